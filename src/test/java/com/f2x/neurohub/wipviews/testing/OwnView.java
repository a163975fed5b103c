package com.f2x.neurohub.wipviews.testing;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;

/**
 * A view of a service, which has nothing to do with an MES.
 *
 * @param name its name
 * @param sql its file
 */
public record OwnView(String name, String sql) {

  /** Each order. What a file can give a view, this one has. */
  public static final OwnView ORDERS =
      new OwnView(
          "mv_orders",
          """
          CREATE MATERIALIZED VIEW mv_orders
          WITH (vacuum_truncate = false) AS
          SELECT
            id,
            customer,
            amount,
            amount > 100 AS is_big
          FROM orders;

          CREATE UNIQUE INDEX mv_orders_id_idx ON mv_orders (id);

          COMMENT ON MATERIALIZED VIEW mv_orders IS 'Each order.';
          COMMENT ON COLUMN mv_orders.id IS 'orders.id; one row each.';
          COMMENT ON COLUMN mv_orders.amount IS 'What it is worth.';
          """);

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

  /** One of a query, with a unique index on a column of it. */
  public OwnView(String name, String query, String key) {
    this(
        name,
        """
        CREATE MATERIALIZED VIEW %1$s AS
        %2$s;

        CREATE UNIQUE INDEX %1$s_%3$s_idx ON %1$s (%3$s);
        """
            .formatted(name, query, key));
  }

  /** The same view with another definition. */
  public OwnView with(String old, String replacement) {
    if (!sql.contains(old)) {
      throw new IllegalArgumentException("not in the file of " + name + ": " + old);
    }
    return new OwnView(name, sql.replace(old, replacement));
  }

  /** Makes and registers it without a promotion; its order is as wrong as one likes. */
  public void registerIn(TestDatabase database, int order) throws SQLException {
    database.execute(
        sql,
        "INSERT INTO wip_view (view_name, refresh_order, freshness_target, definition)"
            + " VALUES ('%s', %d, '1 day', '')".formatted(name, order));
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
      statement.execute(sql);
      statement.execute("SELECT wip_view_promote('" + name + "')");
      connection.commit();
      // the last changeset of a deploy
      statement.execute("SELECT wip_view_drop_retired()");
      connection.commit();
    } catch (SQLException e) {
      connection.rollback();
      throw e;
    } finally {
      connection.setAutoCommit(true);
    }
  }
}
