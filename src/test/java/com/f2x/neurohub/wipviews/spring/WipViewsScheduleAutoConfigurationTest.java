package com.f2x.neurohub.wipviews.spring;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.Refresh;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.internal.ChangelogFiles;
import com.f2x.neurohub.wipviews.schedule.RefreshSchedule;
import com.f2x.neurohub.wipviews.schedule.ScheduledRun;
import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.time.ZoneId;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import javax.sql.DataSource;
import liquibase.UpdateSummaryEnum;
import liquibase.integration.spring.SpringLiquibase;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.springframework.boot.LazyInitializationBeanFactoryPostProcessor;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.sql.init.dependency.AbstractBeansOfTypeDatabaseInitializerDetector;
import org.springframework.boot.sql.init.dependency.DatabaseInitializationDependencyConfigurer;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;

/** The schedule as a part of the service. */
class WipViewsScheduleAutoConfigurationTest {

  @RegisterExtension static final TestDatabase deployed = TestDatabase.service();
  @RegisterExtension static final TestDatabase without = TestDatabase.service();
  @RegisterExtension static final TestDatabase lazy = TestDatabase.service();

  private static ApplicationContextRunner on(TestDatabase database) {
    return new ApplicationContextRunner()
        .withConfiguration(
            AutoConfigurations.of(
                WipViewsAutoConfiguration.class, WipViewsScheduleAutoConfiguration.class))
        .withBean(DataSource.class, database::dataSource)
        .withPropertyValues(
            "wip-views.schedule.enabled=true",
            "wip-views.schedule.zone=Asia/Seoul",
            "wip-views.schedule.cron=* * * * * *");
  }

  /** What a service's own Liquibase does at start, declared so late that it would be too late. */
  private static SpringLiquibase table() {
    return table(deployed);
  }

  private static SpringLiquibase table(TestDatabase database) {
    SpringLiquibase liquibase = new SpringLiquibase();
    liquibase.setDataSource(database.dataSource());
    liquibase.setChangeLog("classpath:" + ChangelogFiles.FOLDER + "db-scheduler.changelog.yaml");
    liquibase.setShowSummary(UpdateSummaryEnum.OFF);
    liquibase.setAnalyticsEnabled(false);
    return liquibase;
  }

  @Thorough
  @Test
  void it_starts_after_liquibase_and_stops_with_the_service() {
    on(deployed)
        .withBean(SpringLiquibase.class, WipViewsScheduleAutoConfigurationTest::table)
        .run(
            context -> {
              assertThat(context).hasNotFailed();
              WipViews views = context.getBean(WipViews.class);
              Await.until(
                  "a run has refreshed both views",
                  () -> views.history(null, 10),
                  history ->
                      history.stream()
                              .filter(refresh -> refresh.mode() == Refresh.Mode.CONCURRENT)
                              .map(Refresh::view)
                              .distinct()
                              .count()
                          == 2);
              ScheduleLifecycle lifecycle = context.getBean(ScheduleLifecycle.class);
              assertThat(lifecycle.isRunning()).isTrue();

              context.close();

              assertThat(lifecycle.isRunning()).isFalse();
              assertThat(views.history(null, 20))
                  .noneMatch(refresh -> refresh.outcome() == Refresh.Outcome.RUNNING);
            });
  }

  @Thorough
  @Test
  void it_starts_where_beans_are_lazy() {
    on(lazy)
        .withInitializer(
            context ->
                context.addBeanFactoryPostProcessor(
                    new LazyInitializationBeanFactoryPostProcessor()))
        .withUserConfiguration(Ordered.class)
        .withBean(SpringLiquibase.class, () -> table(lazy))
        .run(context -> assertThat(context).hasNotFailed());
  }

  @Thorough
  @Test
  void a_schedule_of_the_services_own_is_the_one_that_runs() {
    List<ScheduledRun> runs = new CopyOnWriteArrayList<>();
    on(deployed)
        .withBean(SpringLiquibase.class, WipViewsScheduleAutoConfigurationTest::table)
        .withBean(
            RefreshSchedule.class,
            () ->
                RefreshSchedule.builder(deployed.dataSource())
                    .zone(ZoneId.of("UTC"))
                    .cron("* * * * * *")
                    .listener(runs::add)
                    .build())
        .run(context -> Await.until("a run was told", () -> !runs.isEmpty()));
  }

  @Test
  void without_its_table_a_start_fails_and_names_the_changelog() {
    on(without)
        .run(
            context -> {
              FailureAnalysis analysis =
                  new WipViewsFailureAnalyzer().analyze(context.getStartupFailure());
              assertThat(analysis.getAction())
                  .contains("update --with db-scheduler")
                  // without it, Spring Boot 4 does not run the changelog that has the table
                  .contains("spring-boot-starter-liquibase");
            });
  }

  @Test
  void without_db_scheduler_a_start_fails_and_names_the_dependency() {
    on(without)
        .withClassLoader(new FilteredClassLoader("com.github.kagkarlsson"))
        .run(
            context -> {
              FailureAnalysis analysis =
                  new WipViewsFailureAnalyzer().analyze(context.getStartupFailure());
              assertThat(analysis.getAction())
                  .isEqualTo("Add the dependency com.github.kagkarlsson:db-scheduler.");
            });
  }

  /** What Spring Boot's own auto-configurations of Liquibase and of the data source import. */
  @Configuration(proxyBeanMethods = false)
  @Import(DatabaseInitializationDependencyConfigurer.class)
  static class Ordered {}

  static final class LiquibaseDetector extends AbstractBeansOfTypeDatabaseInitializerDetector {
    @Override
    protected Set<Class<?>> getDatabaseInitializerBeanTypes() {
      return Set.of(SpringLiquibase.class);
    }
  }
}
