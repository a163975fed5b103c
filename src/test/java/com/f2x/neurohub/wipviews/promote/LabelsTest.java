package com.f2x.neurohub.wipviews.promote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.testing.OwnView;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import java.sql.SQLException;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A security label is never lost: it is given to what takes its place, and where that cannot be,
 * since its provider is not loaded, a promotion stops. No provider comes with PostgreSQL: a label
 * is written into the catalog, as one that was loaded once left it there.
 */
class LabelsTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.service();

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      textBlock =
          """
          MATERIALIZED VIEW public.mv_orders | pg_class | 'mv_orders'::regclass | 0
          COLUMN public.mv_orders.customer | pg_class | 'mv_orders'::regclass | 2
          TYPE public.mv_orders | pg_type | 'mv_orders'::regtype | 0
          VIEW public.reads_it | pg_class | 'reads_it'::regclass | 0
          """)
  void one_that_cannot_be_given_again_stops_a_promotion(
      String labelled, String catalog, String object, int part) throws SQLException {
    database.execute(
        "CREATE VIEW reads_it AS SELECT * FROM mv_orders",
        "SET allow_system_table_mods = on",
        "INSERT INTO pg_seclabel (objoid, classoid, objsubid, provider, label) VALUES (%s::oid, '%s'::regclass, %d, 'factory', 'secret')"
            .formatted(object, catalog, part));
    try {
      if (labelled.startsWith("VIEW")) {
        // replaced in its place, which is not touched
        OwnView.ORDERS.promoteIn(database);
      } else {
        assertThatThrownBy(() -> OwnView.ORDERS.promoteIn(database))
            .hasMessageContaining("security label provider \"factory\" is not loaded")
            .hasMessageContaining("SECURITY LABEL FOR factory ON " + labelled + " IS 'secret'");
      }

      assertThat(database.value("SELECT label FROM pg_seclabel WHERE objoid = " + object))
          .isEqualTo("secret");
    } finally {
      database.execute(
          "SET allow_system_table_mods = on", "DELETE FROM pg_seclabel", "DROP VIEW reads_it");
    }
  }
}
