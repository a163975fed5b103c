package com.f2x.neurohub.wipviews.cli.output;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Help.Ansi.Style;
import picocli.CommandLine.Help.Ansi.Text;
import picocli.CommandLine.Help.ColorScheme;

/**
 * A table that fits {@link Output#WIDTH} columns. Widths are those of a terminal, where a Korean
 * letter takes two columns; picocli knows them. A column that may wrap gives way where the table
 * would be too wide.
 */
public final class Grid {

  private static final String GAP = "  ";
  private static final int NARROWEST = 12;

  private enum Alignment {
    LEFT,
    RIGHT
  }

  private record Column(Text header, Alignment alignment, boolean wraps) {}

  /** Either cells, or lines below the row before. */
  private record Row(@Nullable List<Text> cells, @Nullable List<Text> note) {}

  private final ColorScheme colors;
  private final List<Column> columns = new ArrayList<>();
  private final List<Row> rows = new ArrayList<>();

  public Grid(ColorScheme colors) {
    this.colors = colors;
  }

  public Grid left(String header) {
    columns.add(new Column(header(header), Alignment.LEFT, false));
    return this;
  }

  public Grid right(String header) {
    columns.add(new Column(header(header), Alignment.RIGHT, false));
    return this;
  }

  public Grid wrapping(String header) {
    columns.add(new Column(header(header), Alignment.LEFT, true));
    return this;
  }

  private Text header(String header) {
    return colors.apply(header, List.of(Style.bold));
  }

  /** Adds a row: a Text keeps its colour, anything else is printed as it is, null as nothing. */
  public Grid row(@Nullable Object... cells) {
    if (cells.length != columns.size()) {
      throw new IllegalArgumentException(cells.length + " cells in " + columns.size() + " columns");
    }
    List<Text> texts = new ArrayList<>();
    for (Object cell : cells) {
      texts.add(cell instanceof Text text ? text : plain(cell == null ? "" : cell.toString()));
    }
    rows.add(new Row(texts, null));
    return this;
  }

  /** Adds text of any length below the row before. */
  public Grid note(String note) {
    rows.add(
        new Row(
            null,
            Output.wrap(note.replaceAll("\\s*\\R\\s*", " "), Output.WIDTH - 2).stream()
                .map(line -> plain("  " + line))
                .toList()));
    return this;
  }

  /** Adds a line as it is below the row before. */
  public Grid note(Text line) {
    rows.add(new Row(null, List.of(line)));
    return this;
  }

  private Text plain(String text) {
    return colors.apply(text.replaceAll("\\s*\\R\\s*", " "), List.of());
  }

  public List<String> lines() {
    int[] widths = widths();
    List<String> lines = new ArrayList<>();
    lines.addAll(lines(columns.stream().map(Column::header).toList(), widths));
    for (Row row : rows) {
      if (row.cells() != null) {
        lines.addAll(lines(row.cells(), widths));
      } else {
        row.note().forEach(line -> lines.add(line.toString().stripTrailing()));
      }
    }
    return lines;
  }

  private int[] widths() {
    int[] widths = new int[columns.size()];
    int total = GAP.length() * (columns.size() - 1);
    for (int i = 0; i < widths.length; i++) {
      widths[i] = columns.get(i).header().getCJKAdjustedLength();
      for (Row row : rows) {
        if (row.cells() != null) {
          widths[i] = Math.max(widths[i], row.cells().get(i).getCJKAdjustedLength());
        }
      }
      total += widths[i];
    }
    for (int i = widths.length - 1; i >= 0 && total > Output.WIDTH; i--) {
      if (columns.get(i).wraps()) {
        int narrower = Math.max(NARROWEST, widths[i] - (total - Output.WIDTH));
        total -= Math.max(0, widths[i] - narrower);
        widths[i] = Math.min(widths[i], narrower);
      }
    }
    return widths;
  }

  private List<String> lines(List<Text> cells, int[] widths) {
    List<List<Text>> broken = new ArrayList<>();
    int height = 1;
    for (int i = 0; i < widths.length; i++) {
      broken.add(broken(cells.get(i), widths[i]));
      height = Math.max(height, broken.get(i).size());
    }
    List<String> lines = new ArrayList<>();
    for (int l = 0; l < height; l++) {
      StringBuilder line = new StringBuilder();
      for (int i = 0; i < widths.length; i++) {
        Text text = l < broken.get(i).size() ? broken.get(i).get(l) : plain("");
        String padding = " ".repeat(Math.max(0, widths[i] - text.getCJKAdjustedLength()));
        boolean right = columns.get(i).alignment() == Alignment.RIGHT;
        line.append(i == 0 ? "" : GAP)
            .append(right ? padding : "")
            .append(text)
            .append(right ? "" : padding);
      }
      lines.add(line.toString().stripTrailing());
    }
    return lines;
  }

  /** Breaks a text anywhere: what is too long is a name without a space. */
  private static List<Text> broken(Text text, int width) {
    List<Text> parts = new ArrayList<>();
    Text rest = text;
    while (rest.getCJKAdjustedLength() > width) {
      int end = 1;
      while (rest.substring(0, end + 1).getCJKAdjustedLength() <= width) {
        end++;
      }
      parts.add(rest.substring(0, end));
      rest = rest.substring(end);
    }
    parts.add(rest);
    return parts;
  }
}
