package com.f2x.neurohub.wipviews.spring;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.SpringBootVersion;
import org.springframework.boot.autoconfigure.AutoConfigurationImportFilter;
import org.springframework.boot.autoconfigure.AutoConfigurationMetadata;

/**
 * Leaves out all auto-configurations of this package where Spring Boot is older than 4, and says so
 * in one line. There some of their conditions are unknown, and would pass: the schedule and the URL
 * would be switched on without having been asked for, or some beans be there and others not.
 *
 * <p>An import filter, since it is asked before Spring Boot loads any of those classes, and nothing
 * here but this class has to be one that an older Spring Boot can load.
 */
final class SpringBootVersionFilter implements AutoConfigurationImportFilter {

  private static final Logger LOG = LoggerFactory.getLogger(SpringBootVersionFilter.class);
  private static final String OURS = SpringBootVersionFilter.class.getPackageName() + ".";

  private final @Nullable String version;
  private boolean said;

  SpringBootVersionFilter() {
    this(SpringBootVersion.getVersion());
  }

  SpringBootVersionFilter(@Nullable String version) {
    this.version = version;
  }

  @Override
  public boolean[] match(
      @Nullable String[] autoConfigurations, AutoConfigurationMetadata metadata) {
    boolean[] match = new boolean[autoConfigurations.length];
    Arrays.fill(match, true);
    if (version == null || !version.matches("[123]\\..*")) {
      return match;
    }
    for (int i = 0; i < match.length; i++) {
      String name = autoConfigurations[i];
      match[i] = name == null || !name.startsWith(OURS);
      if (!match[i]) {
        say();
      }
    }
    return match;
  }

  /** Spring Boot asks again for each name that a service excludes. */
  private void say() {
    if (!said) {
      said = true;
      LOG.warn(
          "wip-views configures nothing here: this is Spring Boot {}, and it needs 4.0 or newer."
              + " Declare the bean WipViews.of(dataSource); wip-views.* has no effect",
          version);
    }
  }
}
