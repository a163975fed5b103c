package com.f2x.neurohub.wipviews.testing;

import java.sql.SQLException;

/** A view whose file changes, over orders that {@link #load} inserts. */
public final class ChangedView {

  /** Its first file. */
  public static final OwnView BEFORE =
      new OwnView(
          "mv_customers",
          "SELECT customer, count(*) AS orders, sum(amount) AS amount, now() AS seen_at FROM orders"
              + " GROUP BY customer",
          "customer");

  /** The next: a column is dropped and one added, an amount differs, and a row is missing. */
  public static final OwnView AFTER =
      new OwnView(
          "mv_customers",
          "SELECT customer, sum(amount) + CASE customer WHEN 'c1' THEN 1 ELSE 0 END AS amount,"
              + " now() AS seen_at, max(amount) AS largest FROM orders WHERE customer <> 'c2'"
              + " GROUP BY customer",
          "customer");

  private ChangedView() {}

  /** Inserts a hundred orders of ten customers. */
  public static void load(TestDatabase database) throws SQLException {
    database.execute(
        "INSERT INTO orders SELECT n, 'c' || n % 10, n FROM generate_series(1, 100) AS n");
  }
}
