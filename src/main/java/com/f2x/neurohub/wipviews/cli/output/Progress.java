package com.f2x.neurohub.wipviews.cli.output;

import java.util.function.Consumer;

/**
 * Prints what a deploy says while it runs: what its changesets say of themselves. Their names are
 * left out, since some run on every deploy and that is no news.
 */
public record Progress(Output output) implements Consumer<String> {

  @Override
  public void accept(String line) {
    if (line.startsWith(" ")) {
      output.paragraph(line.strip());
    }
  }
}
