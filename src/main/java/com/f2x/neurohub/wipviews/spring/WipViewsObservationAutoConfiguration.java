package com.f2x.neurohub.wipviews.spring;

import com.f2x.neurohub.wipviews.CallObserver;
import com.f2x.neurohub.wipviews.internal.PromotionListener;
import com.f2x.neurohub.wipviews.metrics.WipViewsObservations;
import io.micrometer.observation.ObservationRegistry;
import liquibase.Liquibase;
import liquibase.changelog.visitor.DefaultChangeExecListener;
import liquibase.integration.spring.Customizer;
import liquibase.integration.spring.SpringLiquibase;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.config.BeanPostProcessor;
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

  /** What Spring Boot's Liquibase promotes when the service starts. */
  @Bean
  static BeanPostProcessor wipViewsPromotionsOfLiquibase(ObjectProvider<CallObserver> observer) {
    return new BeanPostProcessor() {
      @Override
      public Object postProcessBeforeInitialization(Object bean, String name) {
        if (bean instanceof SpringLiquibase liquibase) {
          observer.ifAvailable(watching -> watch(liquibase, watching));
        }
        return bean;
      }
    };
  }

  private static void watch(SpringLiquibase liquibase, CallObserver observer) {
    Customizer<Liquibase> own = liquibase.getCustomizer();
    liquibase.setCustomizer(
        created -> {
          created.setChangeExecListener(
              new DefaultChangeExecListener(
                  new PromotionListener(
                      view -> observer.begin(CallObserver.Operation.PROMOTE, view)::ended)));
          if (own != null) {
            own.customize(created);
          }
        });
  }
}
