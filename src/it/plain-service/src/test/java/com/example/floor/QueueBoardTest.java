package com.example.floor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.f2x.neurohub.wipviews.Refresh;
import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class QueueBoardTest {

  @Test
  void a_service_deploys_at_start_refreshes_and_reads_typed_rows() throws Exception {
    try (EmbeddedPostgres server =
        EmbeddedPostgres.builder()
            .setPGStartupWait(Duration.ofMinutes(3))
            .setLocaleConfig("locale", "C")
            .setServerConfig("fsync", "off")
            .start()) {
      HikariConfig config = new HikariConfig();
      config.setJdbcUrl(server.getJdbcUrl("postgres", "postgres"));
      config.setMaximumPoolSize(2);
      try (HikariDataSource pool = new HikariDataSource(config)) {
        WipViewsMigration.of(pool).installMinimalMes();
        QueueBoard board = new QueueBoard(pool);
        assertEquals(List.of(), board.bottlenecks());

        try (Connection connection = pool.getConnection();
            Statement statement = connection.createStatement()) {
          statement.execute(
              """
              INSERT INTO lots (lot_number, product_model_id, production_date, target_quantity, status)
              VALUES ('KR01PSA251101', 1, current_date, 3, 'IN_PROGRESS');
              INSERT INTO wip_items (wip_id, lot_id, sequence_in_lot, status, current_process_id)
              SELECT 'WIP-KR01PSA251101-00' || n, l.id, n, 'IN_PROGRESS', p.id
              FROM lots l, processes p, generate_series(1, 3) n
              WHERE p.process_number = 4
              """);
        }

        assertEquals(Optional.empty(), board.refresh(Duration.ofHours(1)), "fresh enough");
        Optional<Refresh> refresh = board.refresh(Duration.ZERO);
        assertTrue(refresh.isPresent());
        assertEquals(Refresh.Outcome.REFRESHED, refresh.get().outcome());
        assertEquals(List.of("Firmware Upload"), board.bottlenecks());
      }
    }
  }
}
