package com.f2x.neurohub.wipviews.testing;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;

/**
 * A view of a service, which has nothing to do with an MES.
 *
 * @param name its name
 * @param query its query, with a column that a unique index is made on
 * @param key that column
 */
public record OwnView(String name, String query, String key) {

  /** What each customer has ordered. */
  public static final OwnView CUSTOMERS =
      new OwnView(
          "mv_customers",
          "SELECT customer, count(*) AS orders, sum(amount) AS amount FROM orders GROUP BY"
              + " customer",
          "customer");

  /** What of that is worth a visit. */
  public static final OwnView BIG_CUSTOMERS =
      new OwnView(
          "mv_big_customers", "SELECT customer FROM mv_customers WHERE amount > 100", "customer");

  /** Its file. */
  public String sql() {
    return """
    CREATE MATERIALIZED VIEW %1$s AS
    %2$s;

    CREATE UNIQUE INDEX %1$s_key ON %1$s (%3$s);
    """
        .formatted(name, query, key);
  }

  /** The steps of its changelog entry, in one transaction, as a superuser. */
  public OwnView promoteIn(TestDatabase database) throws SQLException {
    try (Connection connection = database.connect()) {
      promoteOn(connection);
    }
    return this;
  }

  /** The same as the role of a connection. */
  public void promoteOn(Connection connection) throws SQLException {
    connection.setAutoCommit(false);
    try (Statement statement = connection.createStatement()) {
      statement.execute("SELECT wip_view_stage('" + name + "')");
      statement.execute(sql());
      statement.execute("SELECT wip_view_promote('" + name + "')");
      connection.commit();
    }
  }
}
