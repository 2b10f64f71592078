// Made by scripts/embed-migrations.mjs from migrations/. Do not edit.
export const migrations: readonly { readonly tag: string; readonly statements: readonly string[] }[] = [
  {
    "tag": "0000_first",
    "statements": [
      "CREATE TABLE \"commits\" (\n\t\"repo_uid\" uuid NOT NULL,\n\t\"id\" text COLLATE \"C\" NOT NULL,\n\t\"committer\" text NOT NULL,\n\t\"message\" text NOT NULL,\n\t\"creation_seconds\" bigint NOT NULL,\n\t\"creation_nanos\" integer NOT NULL,\n\t\"metarange_id\" text NOT NULL,\n\t\"metadata\" jsonb NOT NULL,\n\t\"parents\" text[] NOT NULL,\n\t\"version\" integer NOT NULL,\n\t\"generation\" bigint NOT NULL,\n\tCONSTRAINT \"commits_repo_uid_id_pk\" PRIMARY KEY(\"repo_uid\",\"id\")\n);",
      "CREATE TABLE \"credentials\" (\n\t\"access_key_id\" text COLLATE \"C\" PRIMARY KEY NOT NULL,\n\t\"user_id\" text COLLATE \"C\" NOT NULL,\n\t\"sealed_secret\" \"bytea\" NOT NULL,\n\t\"created_at\" timestamp with time zone DEFAULT now() NOT NULL\n);",
      "CREATE TABLE \"events\" (\n\t\"id\" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name \"events_id_seq\" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),\n\t\"repo_uid\" uuid NOT NULL,\n\t\"name\" text NOT NULL,\n\t\"kind\" text NOT NULL,\n\t\"old_id\" text,\n\t\"new_id\" text,\n\t\"at\" timestamp with time zone DEFAULT now() NOT NULL\n);",
      "CREATE TABLE \"installation\" (\n\t\"singleton\" boolean PRIMARY KEY DEFAULT true NOT NULL,\n\t\"id\" uuid DEFAULT gen_random_uuid() NOT NULL,\n\t\"created_at\" timestamp with time zone DEFAULT now() NOT NULL,\n\t\"setup_at\" timestamp with time zone,\n\t\"comm_prefs\" jsonb,\n\t\"auth_version\" bigint DEFAULT 1 NOT NULL,\n\t\"storage_version\" bigint DEFAULT 1 NOT NULL,\n\tCONSTRAINT \"installation_singleton\" CHECK (\"installation\".\"singleton\")\n);",
      "CREATE TABLE \"refs\" (\n\t\"repo_uid\" uuid NOT NULL,\n\t\"name\" text COLLATE \"C\" NOT NULL,\n\t\"kind\" text NOT NULL,\n\t\"commit_id\" text COLLATE \"C\" NOT NULL,\n\t\"token\" uuid,\n\t\"sealed\" uuid[] DEFAULT '{}' NOT NULL,\n\t\"base_metarange\" text,\n\t\"epoch\" bigint DEFAULT floor(random() * 4503599627370496)::int8 NOT NULL,\n\t\"reset_seq\" bigint DEFAULT 0 NOT NULL,\n\t\"hidden\" boolean DEFAULT false NOT NULL,\n\tCONSTRAINT \"refs_repo_uid_name_pk\" PRIMARY KEY(\"repo_uid\",\"name\"),\n\tCONSTRAINT \"refs_kind\" CHECK (\"refs\".\"kind\" in ('b', 't'))\n);",
      "CREATE TABLE \"repositories\" (\n\t\"uid\" uuid PRIMARY KEY NOT NULL,\n\t\"name\" text COLLATE \"C\" NOT NULL,\n\t\"storage_id\" text COLLATE \"C\" NOT NULL,\n\t\"home_storage_id\" text COLLATE \"C\" NOT NULL,\n\t\"namespace\" text NOT NULL,\n\t\"canonical_namespace\" text[] NOT NULL,\n\t\"default_branch\" text NOT NULL,\n\t\"created_at_seconds\" bigint NOT NULL,\n\t\"read_only\" boolean DEFAULT false NOT NULL,\n\t\"metadata\" jsonb DEFAULT '{}'::jsonb NOT NULL,\n\tCONSTRAINT \"repositories_name_unique\" UNIQUE(\"name\")\n);",
      "CREATE TABLE \"retired_tokens\" (\n\t\"token\" uuid PRIMARY KEY NOT NULL,\n\t\"retired_at\" timestamp with time zone DEFAULT now() NOT NULL\n);",
      "CREATE TABLE \"staged\" (\n\t\"token\" uuid NOT NULL,\n\t\"path\" \"bytea\" NOT NULL,\n\t\"rec\" \"bytea\",\n\tCONSTRAINT \"staged_token_path_pk\" PRIMARY KEY(\"token\",\"path\")\n);",
      "CREATE TABLE \"storages\" (\n\t\"id\" text COLLATE \"C\" PRIMARY KEY NOT NULL,\n\t\"type\" text NOT NULL,\n\t\"fingerprint\" text NOT NULL,\n\t\"place\" text NOT NULL,\n\t\"first_seen\" timestamp with time zone DEFAULT now() NOT NULL\n);",
      "CREATE TABLE \"trees\" (\n\t\"id\" uuid PRIMARY KEY NOT NULL,\n\t\"repo_uid\" uuid NOT NULL,\n\t\"purpose\" text NOT NULL,\n\t\"started_at\" timestamp with time zone DEFAULT now() NOT NULL\n);",
      "CREATE TABLE \"upload_partitions\" (\n\t\"partition\" text COLLATE \"C\" PRIMARY KEY NOT NULL,\n\t\"created_at\" timestamp with time zone DEFAULT now() NOT NULL,\n\t\"last_used_at\" timestamp with time zone DEFAULT now() NOT NULL\n);",
      "CREATE TABLE \"users\" (\n\t\"id\" text COLLATE \"C\" PRIMARY KEY NOT NULL,\n\t\"created_at\" timestamp with time zone DEFAULT now() NOT NULL,\n\t\"friendly_name\" text,\n\t\"email\" text,\n\t\"source\" text NOT NULL\n);",
      "ALTER TABLE \"commits\" ADD CONSTRAINT \"commits_repo_uid_repositories_uid_fk\" FOREIGN KEY (\"repo_uid\") REFERENCES \"repositories\"(\"uid\") ON DELETE cascade ON UPDATE no action;",
      "ALTER TABLE \"credentials\" ADD CONSTRAINT \"credentials_user_id_users_id_fk\" FOREIGN KEY (\"user_id\") REFERENCES \"users\"(\"id\") ON DELETE cascade ON UPDATE no action;",
      "ALTER TABLE \"refs\" ADD CONSTRAINT \"refs_repo_uid_repositories_uid_fk\" FOREIGN KEY (\"repo_uid\") REFERENCES \"repositories\"(\"uid\") ON DELETE cascade ON UPDATE no action;",
      "CREATE INDEX \"credentials_user\" ON \"credentials\" USING btree (\"user_id\");"
    ]
  },
  {
    "tag": "0001_protected_branches",
    "statements": [
      "ALTER TABLE \"repositories\" ADD COLUMN \"protected_branches\" jsonb DEFAULT '[]'::jsonb NOT NULL;"
    ]
  },
  {
    "tag": "0002_secret_check",
    "statements": [
      "ALTER TABLE \"installation\" ADD COLUMN \"secret_check\" \"bytea\";"
    ]
  },
  {
    "tag": "0003_commits_merges",
    "statements": [
      "CREATE INDEX \"commits_merges\" ON \"commits\" USING btree (\"repo_uid\",\"generation\") WHERE cardinality(\"commits\".\"parents\") > 1;"
    ]
  }
]
