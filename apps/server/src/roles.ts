/** What a person may be in a tenant. */
export type Role = 'owner' | 'admin' | 'member' | 'viewer';

const viewer = ['users:read', 'products:read', 'orders:read', 'tenant:read'] as const;
const member = ['users:read', 'products:read', 'orders:read', 'orders:write', 'tenant:read'] as const;
const admin = [
  ...member,
  'users:write',
  'products:write',
  'orders:manage',
  'api-keys:manage',
  'security-events:read',
  'tenant:write',
  'credentials:read',
  'credentials:write',
  'resources:read',
  'resources:manage',
] as const;

/**
 * Scopes by role. `orders:read` shows a member's own orders only; `orders:manage`, or being a viewer, shows all of the tenant's.
 */
export const scopesByRole: Readonly<Record<Role, readonly Scope[]>> = {
  owner: [...admin, 'tenant:own', 'credentials:reveal'],
  admin,
  member,
  viewer: [...viewer, 'orders:read-all'],
};

/** Every permission that a route can ask for. */
export const scopes = [...admin, 'orders:read-all', 'tenant:own', 'credentials:reveal'] as const;

/** A permission that a route can ask for. */
export type Scope = (typeof scopes)[number];
