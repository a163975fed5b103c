package com.f2x.neurohub.wipviews.spring;

import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.metrics.WipViewsMetrics;
import io.micrometer.core.instrument.binder.MeterBinder;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.context.annotation.Bean;

/** The meters of the views, which Spring Boot binds to the registries that the service has. */
@AutoConfiguration(after = WipViewsAutoConfiguration.class)
@ConditionalOnClass(MeterBinder.class)
@ConditionalOnBean(WipViews.class)
final class WipViewsMetricsAutoConfiguration {

  @Bean
  @ConditionalOnMissingBean
  WipViewsMetrics wipViewsMetrics(WipViews views) {
    return WipViewsMetrics.of(views);
  }
}
