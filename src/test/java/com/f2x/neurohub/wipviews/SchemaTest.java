package com.f2x.neurohub.wipviews;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * The schema that the changelog makes, against a golden file: any change of a database object shows
 * as a diff in review. {@code -Dgolden.update=true} writes the file again.
 */
class SchemaTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.mes();

  private static final Path GOLDEN = Path.of("src/test/resources/golden/schema.txt");
  private static final String REFRESHER = "refresher_of_" + database.name();
  private static final String READER = "reader_of_" + database.name();

  /** What is ours: all but the MES and Liquibase's table. */
  private static final String OURS =
      """
      n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
        AND %s !~ '^(databasechangelog|lots|processes|wip_items|wip_process_history|mes_set_)'
      """;

  @BeforeAll
  static void deploy() throws Exception {
    database.execute("CREATE ROLE " + REFRESHER, "CREATE ROLE " + READER);
    WipViewsMigration.of(database.dataSource())
        .withParameter("refresherRole", REFRESHER)
        .withParameter("readerRole", READER)
        .with("db-scheduler")
        .update();
  }

  @AfterAll
  static void drop_roles() throws Exception {
    database.execute(
        "DROP OWNED BY " + REFRESHER + ", " + READER, "DROP ROLE " + REFRESHER + ", " + READER);
  }

  @Test
  void the_schema_is_the_one_in_the_golden_file() throws Exception {
    String schema = describe();
    if (Boolean.getBoolean("golden.update")) {
      Files.createDirectories(GOLDEN.getParent());
      Files.writeString(GOLDEN, schema);
    }

    assertThat(GOLDEN)
        .as("%s; if the change is meant, run this test with -Dgolden.update=true", GOLDEN)
        .hasContent(schema);
  }

  @Test
  void every_table_and_view_has_a_comment() throws Exception {
    assertThat(
            column(
                """
                SELECT c.relname
                FROM pg_class AS c
                JOIN pg_namespace AS n ON n.oid = c.relnamespace
                WHERE %s AND c.relkind IN ('r', 'p', 'v', 'm') AND obj_description(c.oid, 'pg_class') IS NULL
                """
                    .formatted(ours("c.relname"))))
        .isEmpty();
  }

  @Test
  void every_column_has_a_comment() throws Exception {
    assertThat(
            column(
                """
                SELECT c.relname || '.' || a.attname
                FROM pg_class AS c
                JOIN pg_namespace AS n ON n.oid = c.relnamespace
                JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                WHERE %s AND c.relkind IN ('r', 'p', 'v', 'm') AND col_description(c.oid, a.attnum) IS NULL
                """
                    .formatted(ours("c.relname"))))
        .isEmpty();
  }

  @Test
  void every_function_and_procedure_has_a_comment() throws Exception {
    assertThat(
            column(
                """
                SELECT p.oid::regprocedure
                FROM pg_proc AS p
                JOIN pg_namespace AS n ON n.oid = p.pronamespace
                WHERE %s AND obj_description(p.oid, 'pg_proc') IS NULL
                """
                    .formatted(ours("p.proname"))))
        .isEmpty();
  }

  @Test
  void every_security_definer_function_pins_its_search_path() throws Exception {
    assertThat(
            column(
                """
                SELECT p.oid::regprocedure
                FROM pg_proc AS p
                JOIN pg_namespace AS n ON n.oid = p.pronamespace
                WHERE %s AND p.prosecdef
                  AND NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (p.proconfig), false)
                """
                    .formatted(ours("p.proname"))))
        .isEmpty();
  }

  @Test
  void nothing_is_granted_to_public() throws Exception {
    assertThat(
            column(
                """
                SELECT g.object || ': ' || g.privilege
                FROM (%s) AS g
                WHERE g.grantee = 'PUBLIC'
                """
                    .formatted(grants())))
        .isEmpty();
  }

  private static String ours(String name) {
    return OURS.formatted(name);
  }

  private static String describe() throws Exception {
    StringBuilder schema =
        new StringBuilder(
            "What the changelog makes, but for the functions' bodies and the words of the"
                + " comments.\n");
    appendRelations(schema);
    schema.append(
        "\nindexes on tables of the MES, where it lacks an equivalent one: MesIndexesTest\n");
    appendRoutines(schema);
    schema.append("\ngrants, with a refresherRole and a readerRole\n");
    append(
        schema,
        """
        SELECT g.grantee || ': ' || string_agg(g.privilege, ', ' ORDER BY g.privilege) || ' on ' || g.object
        FROM (%s) AS g
        GROUP BY g.grantee, g.object
        ORDER BY g.grantee COLLATE "C", g.object COLLATE "C"
        """
            .formatted(grants()));
    return schema.toString().replace(REFRESHER, "refresher").replace(READER, "reader");
  }

  private static void appendRelations(StringBuilder schema) throws Exception {
    for (List<String> relation :
        database.rows(
            """
            SELECT
              c.oid,
              CASE c.relkind WHEN 'r' THEN 'table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' ELSE c.relkind::text END
                || ' ' || c.relname
            FROM pg_class AS c
            JOIN pg_namespace AS n ON n.oid = c.relnamespace
            WHERE %s AND c.relkind NOT IN ('i', 'S', 't')
            ORDER BY c.relname COLLATE "C"
            """
                .formatted(ours("c.relname")))) {
      schema.append("\n").append(relation.get(1)).append("\n");
      append(
          schema,
          """
          SELECT
            a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
              || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
              || CASE
                   WHEN a.attidentity = 'a' THEN ' generated always as identity'
                   WHEN a.attidentity = 'd' THEN ' generated by default as identity'
                   WHEN a.attgenerated = 's' THEN ' generated always as ' || pg_get_expr(d.adbin, d.adrelid)
                   ELSE coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')
                 END
          FROM pg_attribute AS a
          LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
          WHERE a.attrelid = %1$s AND a.attnum > 0 AND NOT a.attisdropped
          ORDER BY a.attnum
          """
              .formatted(relation.get(0)));
      append(
          schema,
          """
          SELECT 'constraint ' || k.conname || ' ' || pg_get_constraintdef(k.oid)
          FROM pg_constraint AS k
          -- from 18 on NOT NULL is one as well
          WHERE k.conrelid = %1$s AND k.contype <> 'n'
          ORDER BY k.conname COLLATE "C"
          """
              .formatted(relation.get(0)));
      append(
          schema,
          """
          SELECT pg_get_indexdef(i.indexrelid)
          FROM pg_index AS i
          JOIN pg_class AS c ON c.oid = i.indexrelid
          WHERE i.indrelid = %1$s
          ORDER BY c.relname COLLATE "C"
          """
              .formatted(relation.get(0)));
    }
  }

  private static void appendRoutines(StringBuilder schema) throws Exception {
    for (List<String> routine :
        database.rows(
            """
            SELECT
              CASE p.prokind WHEN 'p' THEN 'procedure ' ELSE 'function ' END
                || p.proname || '(' || pg_get_function_arguments(p.oid) || ')',
              concat_ws(', ',
                'returns ' || pg_get_function_result(p.oid),
                l.lanname,
                CASE WHEN p.prosecdef THEN 'security definer' ELSE 'security invoker' END,
                CASE p.provolatile WHEN 'v' THEN 'volatile' WHEN 's' THEN 'stable' ELSE 'immutable' END,
                (SELECT string_agg('set ' || c, ', ' ORDER BY c) FROM unnest(p.proconfig) AS c))
            FROM pg_proc AS p
            JOIN pg_namespace AS n ON n.oid = p.pronamespace
            JOIN pg_language AS l ON l.oid = p.prolang
            WHERE %s
            ORDER BY p.proname COLLATE "C", pg_get_function_identity_arguments(p.oid)
            """
                .formatted(ours("p.proname")))) {
      schema.append("\n").append(routine.get(0));
      schema.append("\n  ").append(routine.get(1)).append("\n");
    }
  }

  /** All but what an owner has. */
  private static String grants() {
    return """
    SELECT
      object,
      coalesce(r.rolname, 'PUBLIC') AS grantee,
      acl.privilege_type || CASE WHEN acl.is_grantable THEN ' with grant option' ELSE '' END AS privilege
    FROM (
      SELECT 'relation ' || c.relname AS object, c.relowner AS owner,
        coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner)) AS acl
      FROM pg_class AS c
      JOIN pg_namespace AS n ON n.oid = c.relnamespace
      WHERE %1$s AND c.relkind NOT IN ('i', 't')
      UNION ALL
      SELECT 'column ' || c.relname || '.' || a.attname, c.relowner, a.attacl
      FROM pg_class AS c
      JOIN pg_namespace AS n ON n.oid = c.relnamespace
      JOIN pg_attribute AS a ON a.attrelid = c.oid
      WHERE %1$s
      UNION ALL
      SELECT 'routine ' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')', p.proowner,
        coalesce(p.proacl, acldefault('f', p.proowner))
      FROM pg_proc AS p
      JOIN pg_namespace AS n ON n.oid = p.pronamespace
      WHERE %2$s
    ) AS objects
    CROSS JOIN LATERAL aclexplode(objects.acl) AS acl
    LEFT JOIN pg_roles AS r ON r.oid = acl.grantee
    WHERE acl.grantee <> objects.owner
    """
        .formatted(ours("c.relname"), ours("p.proname"));
  }

  private static void append(StringBuilder schema, String query) throws Exception {
    for (String line : column(query)) {
      schema.append("  ").append(line).append("\n");
    }
  }

  private static List<String> column(String query) throws Exception {
    return database.rows(query).stream().map(row -> row.get(0)).toList();
  }
}
