package com.f2x.neurohub.wipviews.cli.output;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import picocli.CommandLine.Help;
import picocli.CommandLine.Help.Ansi;

class GridTest {

  private final Grid grid = new Grid(Help.defaultColorScheme(Ansi.OFF));

  @Test
  void words_are_aligned_left_and_figures_right() {
    grid.left("NAME").right("ROWS").row("a", 1).row("abcdef", 12345);

    assertThat(grid.lines()).containsExactly("NAME     ROWS", "a           1", "abcdef  12345");
  }

  @Test
  void korean_names_are_aligned_by_the_columns_that_they_take() {
    grid.left("공정").right("N").row("레이저 마킹", 17).row("LMA 조립", 3);

    // two columns a letter: 레이저 마킹 takes 11, LMA 조립 takes 8
    assertThat(grid.lines()).containsExactly("공정          N", "레이저 마킹  17", "LMA 조립      3");
  }

  @Test
  void a_bar_takes_one_column_a_block() {
    grid.left("BAR").right("N").row("███", 3).row("", 0);

    assertThat(grid.lines()).containsExactly("BAR  N", "███  3", "     0");
  }

  @Test
  void a_long_name_is_broken_rather_than_the_width_of_80() {
    String name = "mv_" + "x".repeat(60);
    grid.wrapping("VIEW").left("STATE").right("SIZE").row(name, "y".repeat(20), "48 kB");

    assertThat(grid.lines()).allMatch(line -> line.length() <= 80).hasSize(3);
    assertThat(grid.lines().get(1) + grid.lines().get(2))
        .satisfies(lines -> assertThat(lines.replaceAll("[^mvx_]", "")).isEqualTo(name));
  }

  @Test
  void a_long_korean_name_is_broken_between_letters() {
    grid.wrapping("이름").left("STATE").row("가".repeat(40), "y".repeat(30));

    // 80 columns less 30 and a gap of 2 are 48: 24 letters
    assertThat(grid.lines().get(1)).isEqualTo("가".repeat(24) + "  " + "y".repeat(30));
    assertThat(grid.lines().get(2)).isEqualTo("가".repeat(16));
  }

  @Test
  void a_note_is_broken_at_spaces_below_its_row() {
    grid.left("VIEW").row("one").note("word ".repeat(30).strip()).row("two");

    assertThat(grid.lines())
        .hasSize(5)
        .allMatch(line -> line.length() <= 80)
        .element(2)
        .asString()
        .startsWith("  word word");
  }

  @Test
  void a_cell_is_one_line_whatever_is_in_it() {
    grid.left("ERROR").row("one\n  two");

    assertThat(grid.lines()).containsExactly("ERROR", "one two");
  }

  @Test
  void what_looks_like_markup_is_data() {
    grid.left("NAME").row("@|red name|@");

    assertThat(grid.lines()).containsExactly("NAME", "@|red name|@");
  }

  @Test
  void colours_do_not_move_the_columns() {
    Grid coloured = new Grid(Help.defaultColorScheme(Ansi.ON));
    coloured
        .left("STATE")
        .right("N")
        .row(Help.defaultColorScheme(Ansi.ON).errorText("stale"), 1)
        .row("fresh", 2);

    assertThat(coloured.lines())
        .allSatisfy(line -> assertThat(line).contains("\u001b["))
        .extracting(line -> line.replaceAll("\u001b\\[[0-9;]*m", ""))
        .containsExactly("STATE  N", "stale  1", "fresh  2");
  }

  @Test
  void a_row_has_a_cell_for_each_column() {
    grid.left("ONE").left("TWO");

    assertThatThrownBy(() -> grid.row("one")).isInstanceOf(IllegalArgumentException.class);
  }
}
