package com.f2x.neurohub.wipviews.promote;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import com.f2x.neurohub.wipviews.testing.CatalogSnapshot;
import com.f2x.neurohub.wipviews.testing.OwnView;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A view that somebody dropped comes back with all that it had, as far as the registry knows. */
@Thorough
class LostViewTest {

  private static final String DROP = "DROP MATERIALIZED VIEW mv_orders";

  private final TestDatabase database = TestDatabase.service();
  private final String owner = "owner_of_" + database.name();
  private final String analyst = "analyst_of_" + database.name();
  private final String friend = "friend_of_" + database.name();
  private final List<String> told = new ArrayList<>();

  @BeforeEach
  void a_view_that_people_have_made_their_own() throws SQLException {
    database.create();
    database.execute(
        "CREATE ROLE " + owner,
        "CREATE ROLE " + analyst,
        "CREATE ROLE " + friend,
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO " + owner,
        "GRANT SELECT (customer) ON mv_orders TO " + analyst + " WITH GRANT OPTION",
        "SET ROLE " + analyst,
        "GRANT SELECT (customer) ON mv_orders TO " + friend,
        "RESET ROLE",
        "CREATE INDEX by_hand ON mv_orders (customer COLLATE \"C\") WHERE amount > 1",
        "COMMENT ON INDEX by_hand IS 'of the evening shift'",
        "ALTER INDEX by_hand SET (fillfactor = 60)",
        "ALTER MATERIALIZED VIEW mv_orders SET (autovacuum_enabled = off)",
        "ALTER MATERIALIZED VIEW mv_orders ALTER COLUMN customer SET STATISTICS 77",
        "CREATE STATISTICS of_customers ON customer, amount FROM mv_orders",
        "ALTER MATERIALIZED VIEW mv_orders OWNER TO " + owner);
  }

  @AfterEach
  void drop() throws SQLException {
    database.drop();
    for (String role : List.of(owner, analyst, friend)) {
      TestDatabase.onServer("DROP ROLE IF EXISTS " + role);
    }
  }

  private WipViewsMigration migration() {
    return WipViewsMigration.of(database.dataSource()).withProgress(told::add);
  }

  @Test
  void what_its_file_does_not_say_is_back_after_a_recovery() throws SQLException {
    migration().only("engine").update();
    Map<String, String> before = CatalogSnapshot.of(database);
    database.execute(DROP);

    OwnView.ORDERS.promoteIn(database);

    assertThat(CatalogSnapshot.difference(before, CatalogSnapshot.of(database))).isEmpty();
  }

  @Test
  void the_registry_alone_knows_it_as_well() throws SQLException {
    database.execute("COMMENT ON COLUMN mv_orders.customer IS 'by hand'");
    OwnView.ORDERS.promoteIn(database);
    Map<String, String> before = CatalogSnapshot.of(database);
    database.execute(DROP, "SELECT wip_view_recreate('mv_orders')");

    assertThat(CatalogSnapshot.difference(before, CatalogSnapshot.of(database))).isEmpty();
  }

  @Test
  void what_cannot_be_given_again_is_named() throws SQLException {
    OwnView.ORDERS.promoteIn(database);
    database.execute(DROP, "DROP ROLE " + friend);

    migration().recreate(List.of());

    assertThat(told)
        .filteredOn(line -> line.contains("lost"))
        .singleElement()
        .asString()
        .contains(
            "mv_orders: lost: ",
            "GRANT SELECT (customer) ON public.mv_orders TO " + friend,
            "role \"" + friend + "\" does not exist");
    assertThat(database.value("SELECT relowner::regrole FROM pg_class WHERE relname = 'mv_orders'"))
        .isEqualTo(owner);
  }
}
