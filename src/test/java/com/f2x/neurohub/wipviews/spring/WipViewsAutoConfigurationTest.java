package com.f2x.neurohub.wipviews.spring;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.schedule.RefreshSchedule;
import com.f2x.neurohub.wipviews.schedule.RefreshSchedule.Policy;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import io.micrometer.core.instrument.binder.MeterBinder;
import io.micrometer.observation.ObservationRegistry;
import io.micrometer.observation.tck.TestObservationRegistry;
import io.micrometer.observation.tck.TestObservationRegistryAssert;
import java.sql.SQLException;
import java.time.Duration;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import javax.sql.DataSource;
import liquibase.Liquibase;
import liquibase.integration.spring.SpringLiquibase;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.AutoConfigurationExcludeFilter;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.context.annotation.ImportCandidates;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.boot.test.context.runner.WebApplicationContextRunner;
import org.springframework.context.annotation.ComponentScan;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.FilterType;
import org.springframework.util.ClassUtils;
import org.springframework.web.servlet.function.RouterFunction;

/** What a service gets, by what it has. */
class WipViewsAutoConfigurationTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.deployed();

  private static final AutoConfigurations OURS =
      AutoConfigurations.of(
          Stream.of(ImportCandidates.load(AutoConfiguration.class, null).getCandidates())
              .flatMap(names -> names.stream())
              .filter(name -> name.startsWith("com.f2x."))
              .map(name -> ClassUtils.resolveClassName(name, null))
              .toArray(Class<?>[]::new));

  private final ApplicationContextRunner batch =
      new ApplicationContextRunner()
          .withConfiguration(OURS)
          .withBean(DataSource.class, database::dataSource);
  private final WebApplicationContextRunner service =
      new WebApplicationContextRunner()
          .withConfiguration(OURS)
          .withBean(DataSource.class, database::dataSource);

  @Test
  void a_refresh_is_in_the_traces_of_a_service_that_has_any() {
    TestObservationRegistry registry = TestObservationRegistry.create();

    batch
        .withBean(ObservationRegistry.class, () -> registry)
        .run(context -> context.getBean(WipViews.class).refreshAll());

    TestObservationRegistryAssert.assertThat(registry)
        .hasNumberOfObservationsWithNameEqualTo("wip.view.refresh", 2);
  }

  @Thorough
  @Test
  void what_its_liquibase_promotes_is_in_the_traces() throws SQLException {
    TestObservationRegistry registry = TestObservationRegistry.create();
    TestDatabase mes = TestDatabase.mes();
    List<Liquibase> customized = new ArrayList<>();

    mes.create();
    try {
      new ApplicationContextRunner()
          .withConfiguration(OURS)
          .withBean(DataSource.class, mes::dataSource)
          .withBean(ObservationRegistry.class, () -> registry)
          .withBean(
              SpringLiquibase.class,
              () -> {
                SpringLiquibase liquibase = new SpringLiquibase();
                liquibase.setDataSource(mes.dataSource());
                liquibase.setChangeLog(
                    "com/f2x/neurohub/wipviews/changelog/db.changelog-root.yaml");
                liquibase.setAnalyticsEnabled(false);
                liquibase.setCustomizer(customized::add);
                return liquibase;
              })
          .run(context -> assertThat(context).hasNotFailed());
    } finally {
      mes.drop();
    }

    assertThat(customized).hasSize(1);
    TestObservationRegistryAssert.assertThat(registry)
        .hasNumberOfObservationsWithNameEqualTo("wip.view.promote", 2)
        .forAllObservationsWithNameEqualTo("wip.view.promote", one -> one.doesNotHaveError())
        .doesNotHaveAnyRemainingCurrentObservation();
  }

  @Test
  void a_service_gets_the_views_and_nothing_that_it_did_not_ask_for() {
    service.run(
        context -> {
          assertThat(context.getBean(WipViews.class).refreshAll()).hasSize(2);
          assertThat(context)
              .doesNotHaveBean(RouterFunction.class)
              .doesNotHaveBean(RefreshSchedule.class)
              .doesNotHaveBean(WipViewsEndpoint.class);
        });
  }

  @Test
  void without_exactly_one_data_source_a_service_has_no_views() {
    new ApplicationContextRunner()
        .withConfiguration(OURS)
        .run(context -> assertThat(context).hasNotFailed().doesNotHaveBean(WipViews.class));
    batch
        .withBean("another", DataSource.class, database::dataSource)
        .run(
            context ->
                assertThat(context)
                    .hasNotFailed()
                    .doesNotHaveBean(WipViews.class)
                    .doesNotHaveBean(HealthIndicator.class));
  }

  @Test
  void a_bean_of_the_services_own_goes_before_ours() {
    WipViews own = WipViews.of(database.dataSource());

    batch
        .withBean(WipViews.class, () -> own)
        .run(context -> assertThat(context.getBean(WipViews.class)).isSameAs(own));
  }

  static Stream<String> parts() {
    return Stream.of(
        "org.springframework.web.servlet",
        "org.springframework.security",
        "org.springframework.boot.actuate",
        "org.springframework.boot.actuate.autoconfigure",
        "org.springframework.boot.health",
        "org.springframework.boot.webmvc",
        "io.micrometer",
        "com.github.kagkarlsson");
  }

  @ParameterizedTest
  @MethodSource("parts")
  void a_service_starts_without(String part) {
    FilteredClassLoader without = new FilteredClassLoader(part);
    batch
        .withClassLoader(without)
        .run(context -> assertThat(context).hasNotFailed().hasSingleBean(WipViews.class));
    service
        .withClassLoader(without)
        .withPropertyValues("management.endpoints.web.exposure.include=*")
        .run(context -> assertThat(context).hasNotFailed().hasSingleBean(WipViews.class));
  }

  @Test
  void properties_are_bound() {
    batch
        .withPropertyValues(
            "wip-views.schema=mes",
            "wip-views.lock-timeout=2s",
            "wip-views.statement-timeout=3m",
            "wip-views.parallelism=2",
            "wip-views.schedule.policy=on-demand",
            "wip-views.schedule.cron=0 0 * * * *",
            "wip-views.schedule.views.[mv_process_wip_queue]=0 * * * * *",
            "wip-views.schedule.zone=Asia/Seoul",
            "wip-views.schedule.grace=5s",
            "wip-views.http.enabled=true",
            "wip-views.http.path=/refresh",
            "wip-views.http.allow-unprotected=true")
        .run(
            context ->
                assertThat(context.getBean(WipViewsProperties.class))
                    .isEqualTo(
                        new WipViewsProperties(
                            "mes",
                            Duration.ofSeconds(2),
                            Duration.ofMinutes(3),
                            2,
                            new WipViewsProperties.Schedule(
                                false,
                                Policy.ON_DEMAND,
                                "0 0 * * * *",
                                Map.of("mv_process_wip_queue", "0 * * * * *"),
                                ZoneId.of("Asia/Seoul"),
                                Duration.ofSeconds(5)),
                            new WipViewsProperties.Http(true, "/refresh", true))));
  }

  @Test
  void properties_have_defaults() {
    batch.run(
        context ->
            assertThat(context.getBean(WipViewsProperties.class))
                .isEqualTo(
                    new WipViewsProperties(
                        null,
                        Duration.ofSeconds(30),
                        null,
                        1,
                        new WipViewsProperties.Schedule(
                            false, Policy.PRODUCTION, null, Map.of(), null, Duration.ofSeconds(30)),
                        new WipViewsProperties.Http(false, "/admin/refresh-wip-views", false))));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "wip-views.lock-timeout=0 -> wip-views.lock-timeout must be at least 1ms and at most 24 d"
            + " 20 h",
        "wip-views.statement-timeout=-5s -> wip-views.statement-timeout must be at least 1ms and at"
            + " most 24 d 20 h",
        "wip-views.statement-timeout=25d -> wip-views.statement-timeout must be at least 1ms and at"
            + " most 24 d 20 h",
        "wip-views.parallelism=0 -> wip-views.parallelism must be at least 1",
        "wip-views.schedule.enabled=true -> wip-views.schedule.zone must be set, such as"
            + " Asia/Seoul",
        "wip-views.http.path=refresh -> wip-views.http.path must start with a slash: \"refresh\""
      })
  void a_property_that_cannot_be_is_named(String propertyAndMessage) {
    String[] pair = propertyAndMessage.split(" -> ");

    batch
        .withPropertyValues(pair[0])
        .run(context -> assertThat(context).getFailure().rootCause().hasMessage(pair[1]));
  }

  @Thorough
  @Test
  void health_can_be_switched_off() {
    batch.run(context -> assertThat(context).hasSingleBean(HealthIndicator.class));
    batch
        .withPropertyValues("management.health.wipviews.enabled=false")
        .run(context -> assertThat(context).doesNotHaveBean(HealthIndicator.class));
  }

  @Test
  void the_actuator_endpoint_is_there_once_it_is_exposed() {
    service
        .withPropertyValues("management.endpoints.web.exposure.include=health,wipviews")
        .run(context -> assertThat(context).hasSingleBean(WipViewsEndpoint.class));
  }

  @Test
  void the_metrics_are_there_for_whatever_registry_the_service_has() {
    batch.run(context -> assertThat(context).hasSingleBean(MeterBinder.class));
  }

  @Test
  void a_service_above_our_package_finds_nothing_by_scanning() {
    new WebApplicationContextRunner()
        .withUserConfiguration(Neighbour.class)
        .run(
            context ->
                assertThat(context.getBeansOfType(Object.class).values())
                    .extracting(bean -> ClassUtils.getUserClass(bean).getName())
                    .filteredOn(type -> type.startsWith("com.f2x."))
                    .containsExactly(Neighbour.class.getName()));
  }

  /** As @SpringBootApplication scans, in a package of the same company. */
  @Configuration(proxyBeanMethods = false)
  @ComponentScan(
      basePackages = "com.f2x.neurohub.wipviews.spring",
      excludeFilters = {
        @ComponentScan.Filter(
            type = FilterType.CUSTOM,
            classes = AutoConfigurationExcludeFilter.class),
        @ComponentScan.Filter(type = FilterType.REGEX, pattern = ".*Test\\$.*")
      })
  static class Neighbour {}
}
