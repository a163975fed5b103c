package com.f2x.neurohub.wipviews.spring;

import com.f2x.neurohub.wipviews.WipViews;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.health.autoconfigure.contributor.ConditionalOnEnabledHealthIndicator;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.context.annotation.Bean;

/** The health of the views, where the service reports its health. */
@AutoConfiguration(after = WipViewsAutoConfiguration.class)
@ConditionalOnClass({HealthIndicator.class, ConditionalOnEnabledHealthIndicator.class})
@ConditionalOnBean(WipViews.class)
final class WipViewsHealthAutoConfiguration {

  @Bean
  @ConditionalOnMissingBean(name = "wipViewsHealthIndicator")
  @ConditionalOnEnabledHealthIndicator("wipviews")
  HealthIndicator wipViewsHealthIndicator(WipViews views) {
    return new WipViewsHealthIndicator(views);
  }
}
