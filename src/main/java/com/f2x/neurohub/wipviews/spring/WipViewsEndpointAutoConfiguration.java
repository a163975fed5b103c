package com.f2x.neurohub.wipviews.spring;

import com.f2x.neurohub.wipviews.WipViews;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.SmartInitializingSingleton;
import org.springframework.boot.actuate.autoconfigure.endpoint.condition.ConditionalOnAvailableEndpoint;
import org.springframework.boot.actuate.autoconfigure.web.server.ManagementPortType;
import org.springframework.boot.actuate.endpoint.EndpointId;
import org.springframework.boot.actuate.endpoint.OperationType;
import org.springframework.boot.actuate.endpoint.web.ExposableWebEndpoint;
import org.springframework.boot.actuate.endpoint.web.PathMappedEndpoints;
import org.springframework.boot.actuate.endpoint.web.WebOperation;
import org.springframework.boot.actuate.endpoint.web.annotation.WebEndpoint;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.boot.webmvc.autoconfigure.DispatcherServletPath;
import org.springframework.context.ApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.core.env.Environment;
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

  /**
   * Separate, since what it uses exists only in a service on Spring MVC; without a stereotype, so
   * that no component scan finds it.
   */
  @ConditionalOnWebApplication(type = ConditionalOnWebApplication.Type.SERVLET)
  @ConditionalOnClass(DispatcherServletPath.class)
  static class Protected {

    @Bean
    SmartInitializingSingleton wipViewsEndpointProtection(
        ApplicationContext context,
        WipViewsProperties properties,
        ObjectProvider<PathMappedEndpoints> endpoints,
        ObjectProvider<DispatcherServletPath> servlet) {
      return () ->
          endpoints.ifAvailable(
              exposed -> {
                // over HTTP, and as far as management.endpoint.wipviews.access lets it
                if (!(exposed.getEndpoint(EndpointId.of("wipviews"))
                    instanceof ExposableWebEndpoint endpoint)) {
                  return;
                }
                for (WebOperation operation : endpoint.getOperations()) {
                  if (operation.getType() == OperationType.WRITE) {
                    SecurityCheck.demand(
                        context,
                        properties,
                        "the actuator endpoint wipviews is exposed",
                        url(
                            context.getEnvironment(),
                            servlet.getIfAvailable(),
                            exposed.getBasePath()
                                + "/"
                                + operation.getRequestPredicate().getPath()),
                        "Or set management.endpoint.wipviews.access to read-only.");
                  }
                }
              });
    }

    /** The same filter chains are in front of a management port of its own. */
    private static String url(
        Environment environment, @Nullable DispatcherServletPath servlet, String path) {
      if (ManagementPortType.get(environment) == ManagementPortType.DIFFERENT) {
        return environment.getProperty("management.server.base-path", "") + path;
      }
      return servlet == null ? path : servlet.getRelativePath(path);
    }
  }
}
