-- Whose a row is that a tenant does not have, is asked across tenants: the primary keys lead with the tenant.
create index users_by_id on users (id);
create index invitations_by_id on invitations (id);
