-- Whose a key is that a tenant does not have, is asked across tenants: the primary key leads with the tenant.
create index api_keys_by_id on api_keys (id);
create index api_keys_by_creation on api_keys (tenant_id, created_at, id);
