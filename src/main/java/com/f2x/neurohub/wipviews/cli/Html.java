package com.f2x.neurohub.wipviews.cli;

import java.util.Set;
import java.util.function.Consumer;

/** HTML that is always well-formed, and in which text is nothing but text. */
final class Html {

  /** Elements that have no end tag. */
  private static final Set<String> VOID = Set.of("meta", "br");

  private final StringBuilder html = new StringBuilder();

  /** Writes an element; attributes are names and values in turn, null values are left out. */
  Html element(String name, Consumer<Html> content, String... attributes) {
    html.append('<').append(name);
    for (int i = 0; i < attributes.length; i += 2) {
      if (attributes[i + 1] != null) {
        html.append(' ')
            .append(attributes[i])
            .append("=\"")
            .append(escaped(attributes[i + 1]))
            .append('"');
      }
    }
    html.append('>');
    if (!VOID.contains(name)) {
      content.accept(this);
      html.append("</").append(name).append('>');
    }
    return this;
  }

  Html element(String name, String text, String... attributes) {
    return element(name, inside -> inside.text(text), attributes);
  }

  Html text(String text) {
    html.append(escaped(text));
    return this;
  }

  /** Breaks the line in the source, for whoever reads that. */
  Html newline() {
    html.append('\n');
    return this;
  }

  /** Writes what is in the jar as it is: never anything that came from a database. */
  Html trusted(String source) {
    html.append(source);
    return this;
  }

  private static String escaped(String text) {
    StringBuilder escaped = new StringBuilder(text.length() + 16);
    text.codePoints()
        .forEach(
            c -> {
              switch (c) {
                case '&' -> escaped.append("&amp;");
                case '<' -> escaped.append("&lt;");
                case '>' -> escaped.append("&gt;");
                case '"' -> escaped.append("&quot;");
                case '\'' -> escaped.append("&#39;");
                default -> {
                  // control characters are not allowed, not even escaped
                  if (c >= ' ' && (c < 0x7f || c > 0x9f) || c == '\n' || c == '\t') {
                    escaped.appendCodePoint(c);
                  }
                }
              }
            });
    return escaped.toString();
  }

  @Override
  public String toString() {
    return html.toString();
  }
}
