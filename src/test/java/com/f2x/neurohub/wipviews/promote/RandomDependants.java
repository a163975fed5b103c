package com.f2x.neurohub.wipviews.promote;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * A random tree of what may hang on the two views: views and materialized views over them and over
 * each other, in several schemas and of several owners, with functions, rules, policies, indexes,
 * grants, comments and settings. Every relation has the columns k and n.
 */
final class RandomDependants {

  static final List<String> ROLES =
      List.of("kept_plain", "kept-reader", "Kept Ünïcode Röle", "kept\"quote");
  private static final List<String> SCHEMAS = List.of("public", "reports", "Odd Schema");

  private final Random random;
  private final List<String> statements = new ArrayList<>();
  private final List<String> relations = new ArrayList<>();
  private int number;

  private RandomDependants(long seed) {
    random = new Random(seed);
  }

  /** The statements that make the tree of a seed. */
  static List<String> of(long seed) {
    RandomDependants tree = new RandomDependants(seed);
    tree.grow();
    return tree.statements;
  }

  static String quoted(String name) {
    return '"' + name.replace("\"", "\"\"") + '"';
  }

  private void grow() {
    add("CREATE SCHEMA reports");
    add("CREATE SCHEMA \"Odd Schema\"");
    for (String role : ROLES) {
      add("GRANT USAGE, CREATE ON SCHEMA public, reports, \"Odd Schema\" TO " + quoted(role));
    }
    add("CREATE TABLE reports.notes (k bigint, n bigint)");
    attributes("MATERIALIZED VIEW", "public.mv_orders", "id");
    attributes("MATERIALIZED VIEW", "public.mv_customers", "customer");
    int size = 1 + random.nextInt(9);
    for (int i = 0; i < size; i++) {
      relation();
    }
    for (int i = random.nextInt(4); i > 0; i--) {
      other();
    }
  }

  private void relation() {
    boolean materialized = random.nextInt(3) == 0;
    String name = pick(SCHEMAS.stream().map(RandomDependants::quoted).toList()) + ".d" + ++number;
    String kind = materialized ? "MATERIALIZED VIEW" : "VIEW";
    String options = "";
    if (materialized && random.nextBoolean()) {
      options = " WITH (fillfactor = " + (50 + random.nextInt(50)) + ")";
    } else if (!materialized && random.nextInt(3) == 0) {
      options = " WITH (security_barrier = " + random.nextBoolean() + ")";
    }
    add("CREATE " + kind + " " + name + options + " AS " + query());
    if (materialized) {
      if (random.nextBoolean()) {
        add(
            "CREATE INDEX "
                + quoted("Index of " + number)
                + " ON "
                + name
                + " (n DESC, (k + 1)) WHERE n >= 0");
        String index = name.substring(0, name.lastIndexOf(".d") + 1) + quoted("Index of " + number);
        if (random.nextBoolean()) {
          add("COMMENT ON INDEX " + index + " IS 'it''s an index'");
          add("ALTER INDEX " + index + " ALTER COLUMN 2 SET STATISTICS " + random.nextInt(1000));
        }
      }
      if (random.nextInt(3) == 0) {
        add("CREATE INDEX whole_" + number + " ON " + name + " (n)");
        add("ALTER MATERIALIZED VIEW " + name + " CLUSTER ON whole_" + number);
      }
      if (random.nextInt(3) == 0) {
        add("CREATE STATISTICS st" + number + " (ndistinct) ON k, n FROM " + name);
        add("ALTER STATISTICS st" + number + " SET STATISTICS " + random.nextInt(1000));
        add("COMMENT ON STATISTICS st" + number + " IS 'of both'");
      }
      if (random.nextInt(5) == 0) {
        add("REFRESH MATERIALIZED VIEW " + name + " WITH NO DATA");
      }
    } else if (random.nextInt(4) == 0) {
      add("ALTER VIEW " + name + " ALTER COLUMN n SET DEFAULT 42");
    }
    attributes(kind, name, "k");
    relations.add(name);
  }

  private String query() {
    String a = source();
    return switch (random.nextInt(6)) {
      case 0 -> "SELECT a.k, a.n FROM " + a + " AS a";
      case 1 -> "SELECT a.k, max(a.n) AS n FROM " + a + " AS a GROUP BY a.k";
      case 2 -> "SELECT k, n FROM " + a + " AS a JOIN " + source() + " AS b USING (k, n)";
      case 3 -> "SELECT k, n FROM " + a + " AS a UNION ALL SELECT n, k FROM " + source() + " AS b";
      case 4 -> "WITH x AS (SELECT * FROM " + a + " AS a) SELECT k, n FROM x WHERE n > (SELECT 0)";
      default ->
          "SELECT count(*) OVER () AS k, 0::bigint AS n, a AS whole, 'mv_orders' AS text FROM "
              + (a.contains(" AS k") ? "public.mv_orders" : a.replaceAll(".*FROM (.*)\\)", "$1"))
              + " AS a";
    };
  }

  private String source() {
    int i = random.nextInt(relations.size() + 3);
    if (i < relations.size()) {
      // what was left unpopulated cannot be read, only be depended on by a view
      String relation = relations.get(i);
      boolean unpopulated =
          statements.contains("REFRESH MATERIALIZED VIEW " + relation + " WITH NO DATA");
      if (!unpopulated && !readsUnpopulated(relation)) {
        return "(SELECT k, n FROM " + relation + ")";
      }
    }
    return i % 2 == 0
        ? "(SELECT id::bigint AS k, amount::bigint AS n FROM public.mv_orders)"
        : "(SELECT orders AS k, amount AS n FROM public.mv_customers)";
  }

  private boolean readsUnpopulated(String relation) {
    return statements.stream()
        .filter(s -> s.startsWith("REFRESH"))
        .map(
            s ->
                s.substring(
                    "REFRESH MATERIALIZED VIEW ".length(), s.length() - " WITH NO DATA".length()))
        .anyMatch(
            empty ->
                statements.stream()
                    .anyMatch(
                        s ->
                            s.startsWith("CREATE")
                                && s.contains(relation + " ")
                                && s.contains(empty)));
  }

  private void attributes(String kind, String name, String column) {
    String grantor = quoted(pick(ROLES));
    if (random.nextInt(3) == 0 && name.contains(".d")) {
      for (String role : ROLES) {
        add(
            "GRANT SELECT ON ALL TABLES IN SCHEMA public, reports, \"Odd Schema\" TO "
                + quoted(role));
      }
      add("ALTER " + kind + " " + name + " OWNER TO " + quoted(pick(ROLES)));
    }
    if (random.nextBoolean()) {
      add("GRANT SELECT ON " + name + " TO " + grantor + " WITH GRANT OPTION");
      if (random.nextBoolean()) {
        add("SET ROLE " + grantor + "; GRANT SELECT ON " + name + " TO PUBLIC; RESET ROLE");
      }
    }
    if (random.nextInt(3) == 0) {
      add(
          "GRANT SELECT ("
              + column
              + "), REFERENCES ("
              + column
              + ") ON "
              + name
              + " TO "
              + quoted(pick(ROLES))
              + " WITH GRANT OPTION");
    }
    if (random.nextInt(3) == 0 && name.contains(".d")) {
      add("COMMENT ON " + kind + " " + name + " IS 'what''s this\nfor?'");
      add("COMMENT ON COLUMN " + name + "." + column + " IS 'key'");
    }
    if (random.nextInt(3) == 0 && kind.startsWith("MAT") && !name.contains(".d")) {
      String index = name.replace("public.", "") + "_" + column + "_idx";
      add("ALTER MATERIALIZED VIEW " + name + " CLUSTER ON " + index);
      add("COMMENT ON INDEX public." + index + " IS 'what CONCURRENTLY needs'");
      add("ALTER INDEX public." + index + " SET (fillfactor = 70)");
    }
    if (random.nextInt(3) == 0 && kind.startsWith("MAT")) {
      add(
          "ALTER MATERIALIZED VIEW "
              + name
              + " ALTER COLUMN "
              + column
              + " SET STATISTICS "
              + random.nextInt(1000));
      add(
          "ALTER MATERIALIZED VIEW "
              + name
              + " ALTER COLUMN "
              + column
              + " SET (n_distinct = -0.5)");
      add(
          "ALTER MATERIALIZED VIEW "
              + name
              + " SET (autovacuum_enabled = false, toast.autovacuum_enabled = false)");
    }
    if (random.nextInt(3) == 0) {
      add("GRANT USAGE ON TYPE " + name + " TO " + grantor);
      add("COMMENT ON TYPE " + name + " IS 'a row'");
    }
    if (random.nextInt(3) == 0 && kind.startsWith("MAT")) {
      add("ALTER MATERIALIZED VIEW " + name + " REPLICA IDENTITY FULL");
      add("ALTER MATERIALIZED VIEW " + name + " DEPENDS ON EXTENSION plpgsql");
      add("CREATE INDEX by_hand_" + ++number + " ON " + name + " (" + column + " DESC)");
      String index = name.substring(0, name.lastIndexOf('.') + 1) + "by_hand_" + number;
      add("ALTER INDEX " + index + " DEPENDS ON EXTENSION plpgsql");
      add("COMMENT ON INDEX " + index + " IS 'mine'");
    }
  }

  private void other() {
    String source = source();
    String name = pick(SCHEMAS.stream().map(RandomDependants::quoted).toList()) + ".f" + ++number;
    switch (random.nextInt(4)) {
      case 0 -> {
        add(
            "CREATE FUNCTION "
                + name
                + "() RETURNS bigint LANGUAGE sql STABLE BEGIN ATOMIC SELECT sum(s.n) FROM "
                + source
                + " AS s; END");
        if (random.nextBoolean()) {
          add("ALTER FUNCTION " + name + "() DEPENDS ON EXTENSION plpgsql");
        }
      }
      case 1 -> {
        add(
            "CREATE FUNCTION "
                + name
                + "(one public.mv_orders) RETURNS SETOF public.mv_customers LANGUAGE sql AS 'SELECT"
                + " * FROM public.mv_customers'");
        add("COMMENT ON FUNCTION " + name + "(public.mv_orders) IS 'by type'");
        add("GRANT EXECUTE ON FUNCTION " + name + "(public.mv_orders) TO " + quoted(pick(ROLES)));
        if (random.nextBoolean()) {
          add("ALTER FUNCTION " + name + "(public.mv_orders) DEPENDS ON EXTENSION plpgsql");
        }
      }
      case 2 ->
          add(
              "CREATE RULE "
                  + quoted("Rule " + number)
                  + " AS ON UPDATE TO reports.notes DO ALSO DELETE FROM reports.notes WHERE k IN"
                  + " (SELECT s.k FROM "
                  + source
                  + " AS s)");
      default ->
          add(
              "CREATE POLICY "
                  + quoted("Policy " + number)
                  + " ON reports.notes USING (k IN (SELECT s.k FROM "
                  + source
                  + " AS s)) WITH CHECK (n > 0)");
    }
  }

  private void add(String statement) {
    statements.add(statement);
  }

  private <T> T pick(List<T> list) {
    return list.get(random.nextInt(list.size()));
  }
}
