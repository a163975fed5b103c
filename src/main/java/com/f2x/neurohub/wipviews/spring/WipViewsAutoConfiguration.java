package com.f2x.neurohub.wipviews.spring;

import com.f2x.neurohub.wipviews.CallObserver;
import com.f2x.neurohub.wipviews.WipViews;
import javax.sql.DataSource;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnSingleCandidate;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;

/**
 * Gives a Spring Boot 4 service the bean {@link WipViews}, on its one (or primary) {@link
 * DataSource}, from the properties under {@code wip-views}. A service that has several declares the
 * bean itself.
 *
 * <p>What needs more than that (Spring MVC, Actuator) is in auto-configurations of its own beside
 * this one, which do nothing where that is missing.
 */
@AutoConfiguration(
    afterName = "org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration")
@EnableConfigurationProperties(WipViewsProperties.class)
public final class WipViewsAutoConfiguration {

  WipViewsAutoConfiguration() {}

  @Bean
  @ConditionalOnMissingBean
  @ConditionalOnSingleCandidate(DataSource.class)
  WipViews wipViews(
      DataSource dataSource, WipViewsProperties properties, ObjectProvider<CallObserver> observer) {
    WipViews views =
        WipViews.of(dataSource)
            .withSchema(properties.schema())
            .withLockTimeout(properties.lockTimeout())
            .withStatementTimeout(properties.statementTimeout())
            .withParallelism(properties.parallelism());
    CallObserver watching = observer.getIfAvailable();
    return watching == null ? views : views.withObserver(watching);
  }
}
