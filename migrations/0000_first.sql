CREATE TABLE "commits" (
	"repo_uid" uuid NOT NULL,
	"id" text COLLATE "C" NOT NULL,
	"committer" text NOT NULL,
	"message" text NOT NULL,
	"creation_seconds" bigint NOT NULL,
	"creation_nanos" integer NOT NULL,
	"metarange_id" text NOT NULL,
	"metadata" jsonb NOT NULL,
	"parents" text[] NOT NULL,
	"version" integer NOT NULL,
	"generation" bigint NOT NULL,
	CONSTRAINT "commits_repo_uid_id_pk" PRIMARY KEY("repo_uid","id")
);
--> statement-breakpoint
CREATE TABLE "credentials" (
	"access_key_id" text COLLATE "C" PRIMARY KEY NOT NULL,
	"user_id" text COLLATE "C" NOT NULL,
	"sealed_secret" "bytea" NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "events" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "events_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"repo_uid" uuid NOT NULL,
	"name" text NOT NULL,
	"kind" text NOT NULL,
	"old_id" text,
	"new_id" text,
	"at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "installation" (
	"singleton" boolean PRIMARY KEY DEFAULT true NOT NULL,
	"id" uuid DEFAULT gen_random_uuid() NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"setup_at" timestamp with time zone,
	"comm_prefs" jsonb,
	"auth_version" bigint DEFAULT 1 NOT NULL,
	"storage_version" bigint DEFAULT 1 NOT NULL,
	CONSTRAINT "installation_singleton" CHECK ("installation"."singleton")
);
--> statement-breakpoint
CREATE TABLE "refs" (
	"repo_uid" uuid NOT NULL,
	"name" text COLLATE "C" NOT NULL,
	"kind" text NOT NULL,
	"commit_id" text COLLATE "C" NOT NULL,
	"token" uuid,
	"sealed" uuid[] DEFAULT '{}' NOT NULL,
	"base_metarange" text,
	"epoch" bigint DEFAULT floor(random() * 4503599627370496)::int8 NOT NULL,
	"reset_seq" bigint DEFAULT 0 NOT NULL,
	"hidden" boolean DEFAULT false NOT NULL,
	CONSTRAINT "refs_repo_uid_name_pk" PRIMARY KEY("repo_uid","name"),
	CONSTRAINT "refs_kind" CHECK ("refs"."kind" in ('b', 't'))
);
--> statement-breakpoint
CREATE TABLE "repositories" (
	"uid" uuid PRIMARY KEY NOT NULL,
	"name" text COLLATE "C" NOT NULL,
	"storage_id" text COLLATE "C" NOT NULL,
	"home_storage_id" text COLLATE "C" NOT NULL,
	"namespace" text NOT NULL,
	"canonical_namespace" text[] NOT NULL,
	"default_branch" text NOT NULL,
	"created_at_seconds" bigint NOT NULL,
	"read_only" boolean DEFAULT false NOT NULL,
	"metadata" jsonb DEFAULT '{}'::jsonb NOT NULL,
	CONSTRAINT "repositories_name_unique" UNIQUE("name")
);
--> statement-breakpoint
CREATE TABLE "retired_tokens" (
	"token" uuid PRIMARY KEY NOT NULL,
	"retired_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "staged" (
	"token" uuid NOT NULL,
	"path" "bytea" NOT NULL,
	"rec" "bytea",
	CONSTRAINT "staged_token_path_pk" PRIMARY KEY("token","path")
);
--> statement-breakpoint
CREATE TABLE "storages" (
	"id" text COLLATE "C" PRIMARY KEY NOT NULL,
	"type" text NOT NULL,
	"fingerprint" text NOT NULL,
	"place" text NOT NULL,
	"first_seen" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "trees" (
	"id" uuid PRIMARY KEY NOT NULL,
	"repo_uid" uuid NOT NULL,
	"purpose" text NOT NULL,
	"started_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "upload_partitions" (
	"partition" text COLLATE "C" PRIMARY KEY NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"last_used_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "users" (
	"id" text COLLATE "C" PRIMARY KEY NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"friendly_name" text,
	"email" text,
	"source" text NOT NULL
);
--> statement-breakpoint
ALTER TABLE "commits" ADD CONSTRAINT "commits_repo_uid_repositories_uid_fk" FOREIGN KEY ("repo_uid") REFERENCES "public"."repositories"("uid") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "credentials" ADD CONSTRAINT "credentials_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "refs" ADD CONSTRAINT "refs_repo_uid_repositories_uid_fk" FOREIGN KEY ("repo_uid") REFERENCES "public"."repositories"("uid") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "credentials_user" ON "credentials" USING btree ("user_id");