package com.f2x.neurohub.wipviews.internal.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class FaultTest {

  @Test
  void a_statement_about_no_relation_is_no_remedy() {
    assertThat(Fault.about("ANALYZE", List.of())).isEmpty();
    assertThat(Fault.about("ANALYZE", List.of("public.lots", "public.wip_items")))
        .containsExactly("ANALYZE public.lots, public.wip_items;");
  }

  @Test
  void a_fault_without_a_remedy_is_not_safe_to_apply() {
    Check check =
        new Check() {
          @Override
          public String id() {
            return "slow-refresh";
          }

          @Override
          public List<Fault> look(Site site) {
            return List.of();
          }
        };

    assertThat(Fault.of(check, "v", "it is slow", "", List.of()).thatIsSafe().safe()).isFalse();
    assertThat(Fault.of(check, "v", "it is slow", "", "ANALYZE lots;").thatIsSafe().safe())
        .isTrue();
  }
}
