package com.f2x.neurohub.wipviews.spring;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.springframework.boot.actuate.autoconfigure.endpoint.EndpointAutoConfiguration;
import org.springframework.boot.actuate.autoconfigure.endpoint.web.WebEndpointAutoConfiguration;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.security.autoconfigure.SecurityAutoConfiguration;
import org.springframework.boot.security.autoconfigure.web.servlet.ServletWebSecurityAutoConfiguration;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.assertj.AssertableWebApplicationContext;
import org.springframework.boot.test.context.runner.WebApplicationContextRunner;
import org.springframework.boot.webmvc.autoconfigure.DispatcherServletAutoConfiguration;
import org.springframework.boot.webmvc.autoconfigure.WebMvcAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.HttpMethod;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.config.annotation.web.configuration.WebSecurityCustomizer;
import org.springframework.security.core.userdetails.UserDetailsService;
import org.springframework.security.provisioning.InMemoryUserDetailsManager;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.web.servlet.function.RouterFunction;

/** A service does not start if anybody could refresh. */
class SecurityCheckTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.deployed();

  private final WebApplicationContextRunner open =
      new WebApplicationContextRunner()
          .withConfiguration(
              AutoConfigurations.of(
                  WipViewsAutoConfiguration.class, WipViewsHttpAutoConfiguration.class))
          .withBean(DataSource.class, database::dataSource)
          .withPropertyValues("wip-views.http.enabled=true");
  private final WebApplicationContextRunner secured =
      open.withConfiguration(
              AutoConfigurations.of(
                  DispatcherServletAutoConfiguration.class,
                  WebMvcAutoConfiguration.class,
                  SecurityAutoConfiguration.class,
                  ServletWebSecurityAutoConfiguration.class))
          .withBean(UserDetailsService.class, InMemoryUserDetailsManager::new);

  @Test
  void without_spring_security_it_refuses_to_start() {
    open.withClassLoader(new FilteredClassLoader("org.springframework.security"))
        .run(SecurityCheckTest::refuses);
  }

  @Thorough
  @Test
  void with_spring_security_not_set_up_it_refuses_to_start() {
    open.run(SecurityCheckTest::refuses);
  }

  @Test
  void told_to_allow_unprotected_calls_it_starts() {
    open.withPropertyValues("wip-views.http.allow-unprotected=true")
        .run(context -> assertThat(context).hasNotFailed().hasSingleBean(RouterFunction.class));
  }

  @Thorough
  @Test
  void with_the_filter_chain_that_spring_boot_sets_up_it_starts() {
    secured.run(context -> assertThat(context).hasNotFailed().hasSingleBean(RouterFunction.class));
  }

  @Thorough
  @Test
  void a_chain_that_does_not_cover_the_path_is_none() {
    secured.withUserConfiguration(Elsewhere.class).run(SecurityCheckTest::refuses);
    secured
        .withUserConfiguration(Elsewhere.class)
        .withPropertyValues("wip-views.http.path=/api/refresh")
        .run(context -> assertThat(context).hasNotFailed());
  }

  @Test
  void the_path_counts_as_the_dispatcher_servlet_is_mapped() {
    secured
        .withUserConfiguration(AbsolutePath.class)
        .run(context -> assertThat(context).hasFailed());
    secured
        .withUserConfiguration(AbsolutePath.class)
        .withPropertyValues("spring.mvc.servlet.path=/api")
        .run(context -> assertThat(context).hasNotFailed());
  }

  @Thorough
  @Test
  void a_chain_that_permits_everybody_is_none() {
    secured.withUserConfiguration(ForEverybody.class).run(SecurityCheckTest::refuses);
  }

  @Test
  void a_chain_that_protects_other_methods_only_is_none() {
    secured.withUserConfiguration(ReadersOnly.class).run(SecurityCheckTest::refuses);
  }

  @Test
  void a_path_that_security_was_told_to_ignore_is_open() {
    secured.withUserConfiguration(Ignored.class).run(SecurityCheckTest::refuses);
  }

  private WebApplicationContextRunner exposed() {
    return secured
        .withConfiguration(
            AutoConfigurations.of(
                EndpointAutoConfiguration.class,
                WebEndpointAutoConfiguration.class,
                WipViewsEndpointAutoConfiguration.class))
        .withPropertyValues(
            "wip-views.http.enabled=false", "management.endpoints.web.exposure.include=wipviews");
  }

  @Thorough
  @Test
  void an_endpoint_that_anybody_may_refresh_by_is_refused_too() {
    exposed()
        .withUserConfiguration(Elsewhere.class)
        .run(
            context -> {
              assertThat(context).hasFailed();
              FailureAnalysis analysis =
                  new WipViewsFailureAnalyzer().analyze(context.getStartupFailure());
              assertThat(analysis.getDescription())
                  .startsWith("the actuator endpoint wipviews is exposed")
                  .contains("anybody may call POST /actuator/wipviews");
              assertThat(analysis.getAction()).contains("wipviews.access to read-only");
            });
    exposed().run(context -> assertThat(context).hasNotFailed());
  }

  @Test
  void a_chain_for_the_endpoint_alone_leaves_its_views_open() {
    exposed()
        .withUserConfiguration(AllViewsOnly.class)
        .run(
            context ->
                assertThat(context)
                    .getFailure()
                    .hasMessageContaining("POST /actuator/wipviews/{view}"));
  }

  @Test
  void an_endpoint_may_be_open_if_read_only_or_protected_elsewhere() {
    exposed()
        .withUserConfiguration(Elsewhere.class)
        .withPropertyValues("management.endpoint.wipviews.access=READ_ONLY")
        .run(context -> assertThat(context).hasNotFailed());
    exposed()
        .withUserConfiguration(Elsewhere.class)
        .withPropertyValues("wip-views.http.allow-unprotected=true")
        .run(context -> assertThat(context).hasNotFailed());
  }

  @Test
  void a_management_port_of_its_own_says_where_the_endpoint_is() {
    exposed()
        .withUserConfiguration(Elsewhere.class)
        .withPropertyValues("management.server.port=1")
        .run(context -> assertThat(context).hasFailed());
    exposed()
        .withUserConfiguration(Elsewhere.class)
        .withPropertyValues("management.server.port=1", "management.server.base-path=/api")
        .run(context -> assertThat(context).hasNotFailed());
  }

  private static void refuses(AssertableWebApplicationContext context) {
    assertThat(context).hasFailed();
    FailureAnalysis analysis = new WipViewsFailureAnalyzer().analyze(context.getStartupFailure());
    assertThat(analysis.getDescription())
        .contains("anybody may call POST /admin/refresh-wip-views");
    assertThat(analysis.getAction())
        .contains("Add spring-boot-starter-security", "wip-views.http.allow-unprotected");
  }

  @Configuration(proxyBeanMethods = false)
  static class Elsewhere {
    @Bean
    SecurityFilterChain api(HttpSecurity http) {
      return http.securityMatcher("/api/**")
          .authorizeHttpRequests(requests -> requests.anyRequest().authenticated())
          .build();
    }
  }

  @Configuration(proxyBeanMethods = false)
  static class AllViewsOnly {
    @Bean
    SecurityFilterChain endpoint(HttpSecurity http) {
      return http.securityMatcher("/actuator/wipviews")
          .authorizeHttpRequests(requests -> requests.anyRequest().authenticated())
          .build();
    }
  }

  @Configuration(proxyBeanMethods = false)
  static class ForEverybody {
    @Bean
    SecurityFilterChain everything(HttpSecurity http) {
      return http.authorizeHttpRequests(requests -> requests.anyRequest().permitAll()).build();
    }
  }

  @Configuration(proxyBeanMethods = false)
  static class ReadersOnly {
    @Bean
    SecurityFilterChain reading(HttpSecurity http) {
      return http.authorizeHttpRequests(
              requests ->
                  requests.requestMatchers(HttpMethod.GET).authenticated().anyRequest().permitAll())
          .build();
    }
  }

  @Configuration(proxyBeanMethods = false)
  static class Ignored {
    @Bean
    WebSecurityCustomizer ignoring() {
      return web -> web.ignoring().requestMatchers("/admin/**");
    }

    @Bean
    SecurityFilterChain everythingElse(HttpSecurity http) {
      return http.authorizeHttpRequests(requests -> requests.anyRequest().authenticated()).build();
    }
  }

  /** Security's own patterns are below the servlet's path; this one is not. */
  @Configuration(proxyBeanMethods = false)
  static class AbsolutePath {
    @Bean
    SecurityFilterChain api(HttpSecurity http) {
      return http.securityMatcher(request -> request.getRequestURI().startsWith("/api/admin/"))
          .authorizeHttpRequests(requests -> requests.anyRequest().authenticated())
          .build();
    }
  }
}
