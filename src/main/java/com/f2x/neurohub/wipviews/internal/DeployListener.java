package com.f2x.neurohub.wipviews.internal;

import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Who is told of a deploy while it lasts, in its thread.
 *
 * @param progress gets a line for each changeset or view, and indented ones for its notices
 * @param promotions told which view's promotion begins; what it returns is told the end, and why it
 *     failed, if it did
 */
public record DeployListener(
    Consumer<String> progress, Function<String, Consumer<@Nullable Throwable>> promotions) {

  /** Nobody. */
  public static final DeployListener NONE = new DeployListener(line -> {}, view -> failure -> {});

  public DeployListener withProgress(Consumer<String> told) {
    return new DeployListener(told, promotions);
  }

  public DeployListener withPromotions(Function<String, Consumer<@Nullable Throwable>> told) {
    return new DeployListener(progress, told);
  }
}
