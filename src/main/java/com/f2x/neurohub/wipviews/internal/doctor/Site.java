package com.f2x.neurohub.wipviews.internal.doctor;

import com.f2x.neurohub.wipviews.internal.CommandLines;
import java.util.Arrays;
import java.util.List;
import org.jooq.DSLContext;

/**
 * Where a check looks.
 *
 * @param db names of the generated tables are qualified by it; whatever else a query names must be
 *     of the system
 * @param schema the schema that everything is in
 * @param isDefault whether a command without {@code --schema} means this schema
 * @param hasWipPart whether the WIP part is deployed there, or the engine alone
 * @param tables the tables that the views read
 */
record Site(
    DSLContext db, String schema, boolean isDefault, boolean hasWipPart, List<ReadTable> tables) {

  /**
   * A table that a registered view reads, itself or through other views.
   *
   * @param view the registered view
   * @param name the table's name
   * @param quoted its qualified name, for SQL
   * @param oid its oid
   */
  record ReadTable(String view, String name, String quoted, long oid) {}

  /** Found in the catalog, so that a view that is added needs no line here. */
  static final String READ_TABLES =
      """
      WITH RECURSIVE read AS (
        SELECT v.view_name, c.oid AS relation
        FROM {0} AS v
        JOIN pg_class AS c ON c.relname = v.view_name AND c.relkind = 'm'
        JOIN pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = {1}
        UNION
        SELECT read.view_name, d.refobjid
        FROM read
        JOIN pg_rewrite AS r ON r.ev_class = read.relation
        JOIN pg_depend AS d
          ON d.classid = 'pg_rewrite'::regclass
          AND d.objid = r.oid
          AND d.refclassid = 'pg_class'::regclass
      )
      SELECT read.view_name, c.relname::text, format('%I.%I', n.nspname, c.relname), c.oid::bigint
      FROM read
      JOIN pg_class AS c ON c.oid = read.relation AND c.relkind IN ('r', 'p')
      JOIN pg_namespace AS n ON n.oid = c.relnamespace
      -- ours: one row
      WHERE NOT (n.nspname = {1} AND c.relname = 'wip_view_settings')
      ORDER BY 2, 1
      """;

  /** The command line that does this here: a command, and its arguments. */
  String command(String... words) {
    return CommandLines.of(isDefault ? null : schema, words);
  }

  /** The command line that deploys what is deployed here. */
  String update() {
    return hasWipPart ? command("update") : command("update", "--only", "engine");
  }

  /** The statement that refreshes a view. */
  String refresh(String view) {
    return "SELECT * FROM " + quoted(schema) + ".refresh_wip_view(" + literal(view) + ");";
  }

  /** A name of this schema, for SQL. */
  String qualified(String name) {
    return quoted(schema) + "." + quoted(name);
  }

  /** Whether all of these are here and may be read: not everybody that watches may read the MES. */
  boolean mayRead(String... names) {
    return db.fetchSingle(
            "SELECT bool_and(coalesce(has_table_privilege(to_regclass(name), 'SELECT'), false))"
                + " FROM unnest(?::text[]) AS name",
            (Object) Arrays.stream(names).map(this::qualified).toArray(String[]::new))
        .into(Boolean.class);
  }

  private String quoted(String name) {
    return db.fetchSingle("SELECT quote_ident(?::text)", name).into(String.class);
  }

  private String literal(String value) {
    return db.fetchSingle("SELECT quote_literal(?::text)", value).into(String.class);
  }
}
