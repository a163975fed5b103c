package com.f2x.neurohub.wipviews.refresh;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.Freshness;
import com.f2x.neurohub.wipviews.Refresh;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.sql.SQLException;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Concurrently whenever it can be, else plainly, and the row says why. */
class RefreshModeTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.engine();

  private static Probe probe;

  private final WipViews views = WipViews.of(database.dataSource());

  @BeforeAll
  static void makeProbe() throws SQLException {
    probe = Probe.in(database);
  }

  @BeforeEach
  void reset() throws SQLException {
    probe.reset();
  }

  @Test
  void a_view_with_a_plain_unique_index_is_refreshed_concurrently() {
    assertThat(views.refresh(Probe.MV_PROBE))
        .returns(Refresh.Mode.CONCURRENT, Refresh::mode)
        .returns(null, Refresh::modeReason);
  }

  @Thorough
  @Test
  void a_view_that_is_not_populated_is_refreshed_plainly_once() throws Exception {
    database.execute("REFRESH MATERIALIZED VIEW mv_probe WITH NO DATA");
    assertThat(views.freshness(Probe.MV_PROBE).state()).isEqualTo(Freshness.State.UNPOPULATED);

    assertThat(views.refresh(Probe.MV_PROBE))
        .returns(Refresh.Mode.PLAIN, Refresh::mode)
        .returns("the view was not populated", Refresh::modeReason);
    assertThat(views.refresh(Probe.MV_PROBE).mode()).isEqualTo(Refresh.Mode.CONCURRENT);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "SELECT",
        "CREATE INDEX mv_probe_id_idx ON mv_probe (id)",
        "CREATE UNIQUE INDEX mv_probe_id_idx ON mv_probe (id) WHERE id > 0",
        "CREATE UNIQUE INDEX mv_probe_id_idx ON mv_probe ((id + 0))",
        "CREATE UNIQUE INDEX mv_probe_id_idx ON mv_probe (id, (id + 0))"
      })
  void a_view_without_a_plain_unique_index_is_refreshed_plainly(String index) throws Exception {
    database.execute("DROP INDEX mv_probe_id_idx", index);

    assertThat(views.refresh(Probe.MV_PROBE))
        .returns(Refresh.Mode.PLAIN, Refresh::mode)
        .returns("the view has no plain unique index", Refresh::modeReason);
  }

  @Test
  void a_unique_index_that_is_invalid_does_not_count() throws Exception {
    database.execute(
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'mv_probe_id_idx'::regclass");

    assertThat(views.refresh(Probe.MV_PROBE).modeReason())
        .isEqualTo("the view has no plain unique index");
  }

  @Test
  void a_unique_index_that_is_checked_late_does_not_count() throws Exception {
    database.execute(
        "UPDATE pg_index SET indimmediate = false WHERE indexrelid = 'mv_probe_id_idx'::regclass");

    assertThat(views.refresh(Probe.MV_PROBE).modeReason())
        .isEqualTo("the view has no plain unique index");
  }
}
