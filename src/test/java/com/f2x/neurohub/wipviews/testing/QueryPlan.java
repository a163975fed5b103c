package com.f2x.neurohub.wipviews.testing;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** How the server reads what a view is made of. */
public final class QueryPlan {

  private final List<JsonNode> nodes = new ArrayList<>();

  private QueryPlan(JsonNode root) {
    collect(root);
  }

  /** Runs a materialized view's query with its plan. */
  public static QueryPlan of(TestDatabase database, String view) throws SQLException {
    String query =
        database.value("SELECT pg_get_viewdef('%s'::regclass)".formatted(view)).replace(";", "");
    String json =
        String.join(
            "\n",
            database.rows("EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) " + query).get(0));
    return new QueryPlan(JsonMapper.shared().readTree(json).get(0).get("Plan"));
  }

  private void collect(JsonNode node) {
    nodes.add(node);
    if (node.has("Plans")) {
      node.get("Plans").forEach(this::collect);
    }
  }

  /** Each table's scans, one a line: the table, how it is read, and by which columns. */
  public List<String> scans() {
    TreeSet<String> scans = new TreeSet<>();
    for (JsonNode node : nodes) {
      if (node.has("Relation Name")) {
        scans.add(
            node.get("Relation Name").asString()
                + ": "
                + node.get("Node Type").asString()
                + by(node));
      }
    }
    return List.copyOf(scans);
  }

  /** Tables that are read from one end to the other. */
  public List<String> readWhole() {
    return nodes.stream()
        .filter(node -> node.get("Node Type").asString().equals("Seq Scan"))
        .map(node -> node.get("Relation Name").asString())
        .distinct()
        .sorted()
        .toList();
  }

  /** Blocks that were looked at, in memory or not. */
  public long blocks() {
    JsonNode root = nodes.get(0);
    return root.get("Shared Hit Blocks").asLong() + root.get("Shared Read Blocks").asLong();
  }

  /** The columns of the index that narrow the scan down. */
  private static String by(JsonNode node) {
    JsonNode condition = node.has("Index Cond") ? node.get("Index Cond") : node.get("Recheck Cond");
    if (condition == null) {
      return "";
    }
    TreeSet<String> columns = new TreeSet<>();
    for (String column :
        List.of("lot_id", "status", "completed_at", "process_number", "wip_item_id", "id")) {
      if (condition.asString().matches(".*\\(+" + column + "\\b.*")) {
        columns.add(column);
      }
    }
    return " by " + String.join(", ", columns);
  }
}
