package com.example.board;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.sql.Connection;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class OpenLotsTest {

  @Test
  void a_module_deploys_refreshes_and_reads() throws Exception {
    assertTrue(OpenLots.class.getModule().isNamed());
    assertEquals("com.f2x.neurohub.wipviews", WipViews.class.getModule().getName());
    try (EmbeddedPostgres server =
        EmbeddedPostgres.builder()
            .setPGStartupWait(Duration.ofMinutes(3))
            .setLocaleConfig("locale", "C")
            .setServerConfig("fsync", "off")
            .start()) {
      WipViewsMigration.of(server.getPostgresDatabase()).installMinimalMes();
      OpenLots lots = new OpenLots(server.getPostgresDatabase());
      try (Connection connection = server.getPostgresDatabase().getConnection()) {
        connection
            .createStatement()
            .execute(
                "INSERT INTO lots (lot_number, product_model_id, production_date, target_quantity,"
                    + " status) VALUES ('KR01PSA251101', 1, current_date, 3, 'IN_PROGRESS')");
      }
      assertEquals(List.of("KR01PSA251101"), lots.numbers());
    }
  }
}
