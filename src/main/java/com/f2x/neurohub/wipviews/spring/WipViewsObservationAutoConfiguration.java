package com.f2x.neurohub.wipviews.spring;

import com.f2x.neurohub.wipviews.CallObserver;
import com.f2x.neurohub.wipviews.metrics.WipViewsObservations;
import io.micrometer.observation.ObservationRegistry;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.context.annotation.Bean;

/** Refreshes and promotions in the service's traces, where it has an observation registry. */
@AutoConfiguration(
    afterName =
        "org.springframework.boot.micrometer.observation.autoconfigure.ObservationAutoConfiguration")
@ConditionalOnClass(ObservationRegistry.class)
@ConditionalOnBean(ObservationRegistry.class)
final class WipViewsObservationAutoConfiguration {

  @Bean
  @ConditionalOnMissingBean
  CallObserver wipViewsObserver(ObservationRegistry registry) {
    return WipViewsObservations.of(registry);
  }
}
