package com.f2x.neurohub.wipviews.spring;

import com.f2x.neurohub.wipviews.CallObserver;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.WipViewsException;
import com.f2x.neurohub.wipviews.schedule.RefreshSchedule;
import javax.sql.DataSource;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.context.ApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.util.ClassUtils;

/**
 * The schedule, when it is switched on. A service that wants more of it than the properties say (a
 * listener) declares the bean {@link RefreshSchedule} itself, not started.
 */
@AutoConfiguration(after = WipViewsAutoConfiguration.class)
@ConditionalOnBooleanProperty("wip-views.schedule.enabled")
final class WipViewsScheduleAutoConfiguration {

  @Bean
  @ConditionalOnMissingBean
  RefreshSchedule wipViewsSchedule(
      DataSource dataSource,
      WipViewsProperties properties,
      ObjectProvider<CallObserver> observer,
      ApplicationContext context) {
    if (!ClassUtils.isPresent(
        "com.github.kagkarlsson.scheduler.Scheduler", context.getClassLoader())) {
      throw new WipViewsException(
          "wip-views.schedule.enabled is true, and db-scheduler is not on the class path",
          null,
          null,
          "Add the dependency com.github.kagkarlsson:db-scheduler.",
          null);
    }
    WipViewsProperties.Schedule wanted = properties.schedule();
    RefreshSchedule.Builder schedule =
        RefreshSchedule.builder(dataSource)
            .schema(properties.schema())
            .lockTimeout(properties.lockTimeout())
            .statementTimeout(properties.statementTimeout())
            .parallelism(properties.parallelism())
            .policy(wanted.policy())
            .zone(wanted.zone())
            .grace(wanted.grace());
    observer.ifAvailable(schedule::observer);
    if (wanted.cron() != null) {
      schedule.cron(wanted.cron());
    }
    wanted.views().forEach((view, cron) -> schedule.cron(WipViews.view(view), cron));
    return schedule.build();
  }

  @Bean
  ScheduleLifecycle wipViewsScheduleLifecycle(RefreshSchedule schedule) {
    return new ScheduleLifecycle(schedule);
  }
}
