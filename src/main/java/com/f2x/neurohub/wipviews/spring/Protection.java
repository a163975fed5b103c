package com.f2x.neurohub.wipviews.spring;

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
 * Whether Spring Security keeps strangers away: asked of Security itself, which knows all filter
 * chains, in their order, and what each of them demands.
 */
final class Protection {

  private Protection() {}

  /**
   * Tells whether anybody may POST there.
   *
   * @param path without the context path
   */
  static boolean isMissing(ApplicationContext context, String path) {
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
