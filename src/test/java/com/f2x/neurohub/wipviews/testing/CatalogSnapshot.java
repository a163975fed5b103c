package com.f2x.neurohub.wipviews.testing;

import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * What the catalog says of every object in a database that is not the system's, by name: to compare
 * before and after. Left out is what the server gives by itself: oids, the files that rows lie in,
 * the order of grants.
 */
public final class CatalogSnapshot {

  private static final String QUERY =
      """
      SELECT 'relation ' || c.oid::regclass, concat_ws(' | ',
        c.relkind, c.relowner::regrole, (SELECT array_agg(x::text ORDER BY x::text) FROM unnest(c.relacl) x),
        c.reloptions, (SELECT t.reloptions FROM pg_class t WHERE t.oid = c.reltoastrelid),
        c.reltablespace, c.relispopulated, c.relreplident,
        (SELECT am.amname FROM pg_am am WHERE am.oid = c.relam),
        obj_description(c.oid, 'pg_class'),
        CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END)
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'v', 'm', 'S', 'p') AND n.nspname !~ '^(pg_|information_schema)'
      UNION ALL
      SELECT format('column %s.%I', c.oid::regclass, a.attname), concat_ws(' | ',
        a.attnum, format_type(a.atttypid, a.atttypmod), a.attnotnull,
        (SELECT array_agg(x::text ORDER BY x::text) FROM unnest(a.attacl) x),
        coalesce(a.attstattarget, -1), a.attoptions, a.attstorage, a.attcompression, col_description(c.oid, a.attnum),
        pg_get_expr(d.adbin, d.adrelid))
      FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
      JOIN pg_namespace n ON n.oid = c.relnamespace
      LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
      WHERE a.attnum > 0 AND NOT a.attisdropped
        AND c.relkind IN ('r', 'v', 'm', 'p') AND n.nspname !~ '^(pg_|information_schema)'
      UNION ALL
      SELECT 'index ' || i.indexrelid::regclass, concat_ws(' | ',
        pg_get_indexdef(i.indexrelid), i.indisvalid, i.indisclustered, i.indisreplident,
        (SELECT x.reltablespace FROM pg_class x WHERE x.oid = i.indexrelid),
        (SELECT array_agg(coalesce(x.attstattarget, -1) ORDER BY x.attnum)
         FROM pg_attribute x WHERE x.attrelid = i.indexrelid),
        obj_description(i.indexrelid, 'pg_class'))
      FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
      JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname !~ '^(pg_|information_schema)'
      UNION ALL
      SELECT 'routine ' || p.oid::regprocedure, concat_ws(' | ',
        p.proowner::regrole, (SELECT array_agg(x::text ORDER BY x::text) FROM unnest(p.proacl) x),
        obj_description(p.oid, 'pg_proc'), pg_get_functiondef(p.oid))
      FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
      WHERE p.prokind IN ('f', 'p') AND n.nspname !~ '^(pg_|information_schema)'
      UNION ALL
      SELECT format('rule %I on %s', r.rulename, r.ev_class::regclass), concat_ws(' | ',
        r.ev_enabled, pg_get_ruledef(r.oid), obj_description(r.oid, 'pg_rewrite'))
      FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
      JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE r.rulename <> '_RETURN' AND n.nspname !~ '^(pg_|information_schema)'
      UNION ALL
      SELECT format('trigger %I on %s', t.tgname, t.tgrelid::regclass), concat_ws(' | ',
        pg_get_triggerdef(t.oid), t.tgenabled, obj_description(t.oid, 'pg_trigger'))
      FROM pg_trigger t WHERE NOT t.tgisinternal
      UNION ALL
      SELECT format('policy %I on %s', p.polname, p.polrelid::regclass), concat_ws(' | ',
        pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid), obj_description(p.oid, 'pg_policy'))
      FROM pg_policy p
      UNION ALL
      SELECT 'statistics ' || s.stxname, concat_ws(' | ',
        pg_get_statisticsobjdef(s.oid), s.stxowner::regrole, coalesce(s.stxstattarget, -1),
        obj_description(s.oid, 'pg_statistic_ext'))
      FROM pg_statistic_ext s
      UNION ALL
      SELECT 'row type ' || t.oid::regtype, concat_ws(' | ',
        (SELECT array_agg(x::text ORDER BY x::text) FROM unnest(t.typacl) x), obj_description(t.oid, 'pg_type'))
      FROM pg_type t JOIN pg_class c ON c.oid = t.typrelid JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'v', 'm', 'p') AND n.nspname !~ '^(pg_|information_schema)'
      UNION ALL
      SELECT 'security label of ' || pg_describe_object(l.classoid, l.objoid, l.objsubid), concat_ws(' | ', l.provider, l.label)
      FROM pg_seclabel l
      UNION ALL
      SELECT 'mark of ' || pg_describe_object(d.classid, d.objid, d.objsubid), string_agg(e.extname::text, ' | ' ORDER BY e.extname)
      FROM pg_depend d JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND e.oid = d.refobjid
      WHERE d.deptype = 'x'
      GROUP BY d.classid, d.objid, d.objsubid
      UNION ALL
      SELECT 'schema ' || n.nspname, concat_ws(' | ', n.nspowner::regrole, n.nspacl)
      FROM pg_namespace n WHERE n.nspname !~ '^(pg_|information_schema)'
      """;

  private CatalogSnapshot() {}

  /** Reads the catalog of a database. */
  /** The names of what differs between two snapshots: said shortly, where nearly all is equal. */
  public static List<String> differences(Map<String, String> one, Map<String, String> other) {
    return Stream.concat(one.keySet().stream(), other.keySet().stream())
        .distinct()
        .filter(name -> !Objects.equals(one.get(name), other.get(name)))
        .sorted()
        .toList();
  }

  public static Map<String, String> of(TestDatabase database) throws SQLException {
    Map<String, String> snapshot = new TreeMap<>();
    for (List<String> row : database.rows(QUERY)) {
      snapshot.put(row.get(0), row.get(1));
    }
    return snapshot;
  }

  /** What differs, object by object; empty if nothing does. */
  public static Map<String, String> difference(
      Map<String, String> before, Map<String, String> after) {
    Map<String, String> difference = new TreeMap<>();
    before.forEach(
        (name, was) -> {
          String is = after.get(name);
          if (!was.equals(is)) {
            difference.put(name, "was " + was + "\nis " + (is == null ? "gone" : is));
          }
        });
    after.forEach(
        (name, is) -> {
          if (!before.containsKey(name)) {
            difference.put(name, "was not there\nis " + is);
          }
        });
    return difference;
  }
}
