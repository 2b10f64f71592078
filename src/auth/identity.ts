/** Who is asking. */

/** A user whose credentials were checked. */
export interface Principal {
  /** The user's name, unique in the installation: the `id` that the API shows. */
  readonly name: string
  readonly friendlyName: string | null
  readonly email: string | null
  readonly createdAtSeconds: number
  /** Everything is allowed. In installations without roles (`auth.ui_config.rbac: none`) that is everybody. */
  readonly administrator: boolean
}

/** What a commit names as its committer: the e-mail address when there is one, else the user's name. */
export function committerOf(principal: Principal): string {
  return principal.email ?? principal.name
}
