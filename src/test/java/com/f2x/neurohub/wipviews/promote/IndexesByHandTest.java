package com.f2x.neurohub.wipviews.promote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.testing.CatalogSnapshot;
import com.f2x.neurohub.wipviews.testing.OwnView;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** An index that somebody made on a live view stays, or stops a promotion before it begins. */
class IndexesByHandTest {

  private static final OwnView WITHOUT_CUSTOMER = OwnView.ORDERS.with("  customer,\n", "");

  private static final String UNIQUE_INDEX =
      "CREATE UNIQUE INDEX mv_orders_id_idx ON mv_orders (id);";

  private final TestDatabase database = TestDatabase.service();
  private Connection connection;

  @BeforeEach
  void create() throws SQLException {
    database.create();
    connection = database.connect();
  }

  @AfterEach
  void drop() throws SQLException {
    connection.close();
    database.drop();
  }

  @Thorough
  @Test
  void one_whose_columns_stay_is_kept_with_all_it_has() throws SQLException {
    database.execute(
        "CREATE INDEX by_hand ON mv_orders (customer) WITH (fillfactor = 70)",
        "CREATE UNIQUE INDEX \"By Hand\" ON mv_orders ((amount + 1) DESC) WHERE id > 1",
        "ALTER INDEX \"By Hand\" ALTER COLUMN 1 SET STATISTICS 77",
        "COMMENT ON INDEX by_hand IS 'mine'",
        "ALTER MATERIALIZED VIEW mv_orders CLUSTER ON by_hand",
        "ALTER INDEX by_hand DEPENDS ON EXTENSION plpgsql");
    Map<String, String> before = CatalogSnapshot.of(database);

    OwnView.ORDERS.promoteOn(connection);
    OwnView.ORDERS.promoteOn(connection);

    assertThat(CatalogSnapshot.difference(before, CatalogSnapshot.of(database))).isEmpty();
    assertThat(database.rows("SELECT * FROM wip_view_drift()")).isEmpty();
  }

  @Thorough
  @Test
  void one_whose_column_goes_is_named_with_its_drop_statement() throws SQLException {
    database.execute("CREATE INDEX by_hand ON mv_orders (customer)");
    Map<String, String> before = CatalogSnapshot.of(database);

    assertThatThrownBy(() -> WITHOUT_CUSTOMER.promoteOn(connection))
        .hasMessageContaining("index public.by_hand: column \"customer\" does not exist")
        .hasMessageContaining("DROP INDEX public.by_hand;");
    assertThat(CatalogSnapshot.difference(before, CatalogSnapshot.of(database))).isEmpty();

    database.execute("DROP INDEX public.by_hand");
    WITHOUT_CUSTOMER.promoteOn(connection);
  }

  @Thorough
  @Test
  void one_that_the_file_makes_no_longer_goes() throws SQLException {
    OwnView with =
        OwnView.ORDERS.with(
            UNIQUE_INDEX, UNIQUE_INDEX + " CREATE INDEX ours ON mv_orders (customer);");
    with.promoteOn(connection);
    assertThat(database.value("SELECT to_regclass('ours')")).isEqualTo("ours");

    OwnView.ORDERS.promoteOn(connection);

    assertThat(database.value("SELECT to_regclass('ours')")).isNull();
  }

  @Thorough
  @Test
  void one_that_the_files_own_index_equals_is_not_made_twice() throws SQLException {
    database.execute("CREATE UNIQUE INDEX twin ON mv_orders (id)");

    OwnView.ORDERS.promoteOn(connection);

    assertThat(database.value("SELECT to_regclass('twin')")).isNull();
  }

  @Thorough
  @Test
  void one_of_the_same_name_as_the_files_is_named() throws SQLException {
    database.execute("CREATE INDEX ours ON mv_orders (amount)");

    assertThatThrownBy(
            () ->
                OwnView.ORDERS
                    .with(
                        UNIQUE_INDEX, UNIQUE_INDEX + " CREATE INDEX ours ON mv_orders (customer);")
                    .promoteOn(connection))
        .hasMessageContaining("index public.ours: the view's file has another index of this name")
        .hasMessageContaining("ALTER INDEX public.ours RENAME TO");
  }

  @Test
  void drift_tells_a_query_from_an_index_that_is_gone() throws SQLException {
    database.execute(
        "CREATE INDEX by_hand ON mv_orders (customer)",
        "DROP INDEX mv_orders_id_idx",
        "DROP MATERIALIZED VIEW mv_customers",
        "CREATE MATERIALIZED VIEW mv_customers AS SELECT 1 AS customer");

    assertThat(database.rows("SELECT view_name, what FROM wip_view_drift()"))
        .extracting(row -> String.join(" ", row))
        .containsExactly("mv_orders index", "mv_customers query");
    database.execute(
        database.value("SELECT remedy FROM wip_view_drift() WHERE view_name = 'mv_orders'"));
    assertThat(database.rows("SELECT view_name FROM wip_view_drift()")).hasSize(1);
  }
}
