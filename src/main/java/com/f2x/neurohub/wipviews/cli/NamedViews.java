package com.f2x.neurohub.wipviews.cli;

import java.util.List;
import picocli.CommandLine.Parameters;

/** The views that a command is for. */
final class NamedViews {

  @Parameters(paramLabel = "VIEW", description = "Names of views; none for all.")
  private List<String> names = List.of();

  /** Returns the names as given; none means all. */
  List<String> names() {
    return names;
  }
}
