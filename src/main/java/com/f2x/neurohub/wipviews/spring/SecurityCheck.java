package com.f2x.neurohub.wipviews.spring;

import com.f2x.neurohub.wipviews.WipViewsException;
import jakarta.servlet.http.HttpServletRequest;
import org.springframework.context.ApplicationContext;
import org.springframework.security.authentication.AnonymousAuthenticationToken;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.authority.AuthorityUtils;
import org.springframework.security.web.FilterInvocation;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.security.web.access.PathPatternRequestTransformer;
import org.springframework.security.web.access.WebInvocationPrivilegeEvaluator;
import org.springframework.util.ClassUtils;

/**
 * Checks that Spring Security refuses anonymous callers. It asks Spring Security itself, which
 * knows all filter chains, their order, and what each of them demands.
 */
final class SecurityCheck {

  private SecurityCheck() {}

  /**
   * Lets a service start only if anonymous callers may not POST there, or if that was allowed on
   * purpose. To be called once every bean is there.
   *
   * @param cause what opened the path, as the beginning of a sentence
   * @param path without the context path
   * @param instead another remedy: a sentence, or empty
   * @throws WipViewsException if anybody may
   */
  static void demand(
      ApplicationContext context,
      WipViewsProperties properties,
      String cause,
      String path,
      String instead) {
    if (properties.http().allowUnprotected() || !isMissing(context, path)) {
      return;
    }
    throw new WipViewsException(
        cause
            + ", and anybody may call POST "
            + path
            + ": there is no Spring Security, or no SecurityFilterChain of it asks who calls there",
        null,
        null,
        ("Add spring-boot-starter-security, and a SecurityFilterChain that demands a role for "
                    + path
                    + ". "
                    + instead)
                .strip()
            + " If something in front of this service protects it, set"
            + " wip-views.http.allow-unprotected to true.",
        null);
  }

  private static boolean isMissing(ApplicationContext context, String path) {
    return !ClassUtils.isPresent(
            "org.springframework.security.web.access.WebInvocationPrivilegeEvaluator",
            context.getClassLoader())
        || !Security.refusesStrangers(context, path);
  }

  /** Apart, because it cannot be loaded without Spring Security. */
  private static final class Security {

    static boolean refusesStrangers(ApplicationContext context, String path) {
      // the evaluator answers no where no chain applies, and the request then goes through
      HttpServletRequest request =
          new PathPatternRequestTransformer()
              .transform(new FilterInvocation("", path, "POST").getHttpRequest());
      if (context.getBeanProvider(SecurityFilterChain.class).stream()
          .noneMatch(chain -> chain.matches(request))) {
        return false;
      }
      Authentication stranger =
          new AnonymousAuthenticationToken(
              "wip-views", "anonymousUser", AuthorityUtils.createAuthorityList("ROLE_ANONYMOUS"));
      return context.getBeanProvider(WebInvocationPrivilegeEvaluator.class).stream()
          .anyMatch(evaluator -> !evaluator.isAllowed("", path, "POST", stranger));
    }
  }
}
