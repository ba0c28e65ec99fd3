import type { MigrationSet } from '@tenon/database';

/** Rows of a tenant, as any package would keep them. */
export interface WidgetTables {
  widgets: {
    tenant_id?: string;
    id: string;
    name: string;
    size: number;
    parent_id?: string | null;
  };
}

/** A tenant table with every kind of constraint. */
export const widgetMigrations: MigrationSet = {
  name: 'widgets',
  migrations: [
    {
      version: 1,
      name: 'create_widgets',
      sql: `create table widgets (
          tenant_id text not null default tenon_current_tenant(),
          id text not null,
          name text not null,
          size bigint not null default 1,
          parent_id text,
          primary key (tenant_id, id),
          constraint widgets_name_unique unique (tenant_id, name),
          constraint widgets_size_positive check (size > 0),
          constraint widgets_parent_exists foreign key (tenant_id, parent_id) references widgets (tenant_id, id)
            deferrable initially immediate
        );
        select tenon_protect_tenant_table('widgets');`,
    },
  ],
};
