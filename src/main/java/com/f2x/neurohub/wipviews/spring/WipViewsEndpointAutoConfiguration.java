package com.f2x.neurohub.wipviews.spring;

import com.f2x.neurohub.wipviews.WipViews;
import org.springframework.boot.actuate.autoconfigure.endpoint.condition.ConditionalOnAvailableEndpoint;
import org.springframework.boot.actuate.endpoint.web.annotation.WebEndpoint;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.context.annotation.Bean;
import org.springframework.http.ProblemDetail;

/** The actuator endpoint {@code wipviews}, where it is exposed. */
@AutoConfiguration(after = WipViewsAutoConfiguration.class)
@ConditionalOnClass({ConditionalOnAvailableEndpoint.class, WebEndpoint.class, ProblemDetail.class})
@ConditionalOnBean(WipViews.class)
final class WipViewsEndpointAutoConfiguration {

  @Bean
  @ConditionalOnMissingBean
  @ConditionalOnAvailableEndpoint
  WipViewsEndpoint wipViewsEndpoint(WipViews views) {
    return new WipViewsEndpoint(views);
  }
}
