import type { JsonValue } from '@tenon/core';
import type { Generated, GeneratedAlways, JSONColumnType, Selectable } from 'kysely';
import type { SecurityEventType } from './security-events/security-event.ts';
import type { Role } from './users/role.ts';
import type { UserStatus } from './users/user.ts';
import type { TenantStatus } from './tenants/tenant.ts';

type JsonObject = { readonly [key: string]: JsonValue };
type Json = JSONColumnType<JsonObject>;

interface TenantTable {
  tenant_id: string;
  name: string;
  status: TenantStatus;
  settings: Json;
  settings_version: Generated<number>;
  created_at: Date;
  updated_at: Date;
  version: Generated<number>;
}

interface UserTable {
  tenant_id: Generated<string>;
  id: string;
  account_id: string | null;
  email: string;
  email_key: string;
  name: string;
  name_key: GeneratedAlways<string>;
  role: Role;
  status: UserStatus;
  company: string | null;
  title: string | null;
  city: string | null;
  country: string | null;
  phone: string | null;
  created_at: Date;
  updated_at: Date;
  version: Generated<number>;
}

interface InvitationTable {
  tenant_id: Generated<string>;
  id: string;
  user_id: string;
  token_hash: Buffer;
  created_at: Date;
  expires_at: Date;
  accepted_at: Date | null;
  accepted_by: string | null;
}

interface TenantQuotaTable {
  tenant_id: Generated<string>;
  name: string;
  max: number;
  used: number;
}

interface SettingsHistoryTable {
  tenant_id: Generated<string>;
  version: number;
  actor_type: string | null;
  actor_id: string | null;
  request_id: string | null;
  before: Json;
  after: Json;
  changed_at: Date;
}

interface SecurityEventTable {
  tenant_id: string | null;
  id: string;
  type: SecurityEventType;
  actor_type: string | null;
  actor_id: string | null;
  resource: string | null;
  other_tenant_id: string | null;
  request_id: string | null;
  details: Json;
  created_at: Date;
}

/** The tables of this package, as Kysely wants them. */
export interface TenancyTables {
  tenants: TenantTable;
  users: UserTable;
  invitations: InvitationTable;
  tenant_quotas: TenantQuotaTable;
  tenant_settings_history: SettingsHistoryTable;
  security_events: SecurityEventTable;
}

/** A row of `users`. */
export type UserRow = Readonly<Selectable<UserTable>>;
/** A row of `tenants`. */
export type TenantRow = Readonly<Selectable<TenantTable>>;
/** A row of `security_events`. */
export type SecurityEventRow = Readonly<Selectable<SecurityEventTable>>;
