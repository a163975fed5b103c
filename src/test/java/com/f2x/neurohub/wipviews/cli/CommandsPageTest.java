package com.f2x.neurohub.wipviews.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

/** docs/commands.md, or the page that it names, has every command with its options. */
class CommandsPageTest {

  private static final List<String> EVERYWHERE = List.of("--help", "--version", "--debug");

  private static final List<String> CONNECTION =
      List.of("--url", "--username", "--password-file", "--schema", "--format");

  @Test
  void every_command_and_option_is_on_the_page() throws IOException {
    String page = Files.readString(Path.of("docs/commands.md"));
    String commandTable = page.split("\n## ")[0];
    assertThat(page).contains(CONNECTION);
    Map<String, CommandLine> commands = WipViewsCommand.commandLine(Map.of()).getSubcommands();
    assertThat(commands).isNotEmpty();
    commands.forEach(
        (name, command) -> {
          List<String> rows =
              commandTable.lines().filter(line -> line.matches("\\| `" + name + "[ `].*")).toList();
          assertThat(rows).as("rows of " + name).hasSize(1);
          command.getCommandSpec().options().stream()
              .map(option -> option.longestName())
              .filter(option -> !EVERYWHERE.contains(option) && !CONNECTION.contains(option))
              .forEach(option -> assertThat(rows.get(0)).as(name).contains(option));
        });
  }
}
