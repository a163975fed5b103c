package com.f2x.neurohub.wipviews;

import static com.f2x.neurohub.wipviews.jooq.Tables.MV_PROCESS_WIP_QUEUE;
import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.testing.TestDatabase;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class RefreshTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.deployed();

  private final WipViews views = WipViews.of(database.dataSource());

  @Test
  void refreshes_a_view_concurrently_and_says_so() {
    Refresh refresh = views.refresh(MV_PROCESS_WIP_QUEUE);

    assertThat(refresh.view()).isEqualTo("mv_process_wip_queue");
    assertThat(refresh.outcome()).isEqualTo(Refresh.Outcome.REFRESHED);
    assertThat(refresh.mode()).isEqualTo(Refresh.Mode.CONCURRENT);
    assertThat(refresh.rows()).isEqualTo(6);
  }
}
