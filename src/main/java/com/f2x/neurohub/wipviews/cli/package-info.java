/**
 * The command line: a class for each command, and the options that commands have in common. It
 * parses, calls the public API and prints through {@code cli.output}. Not public; what scripts rely
 * on is in docs/commands.md.
 */
@NullMarked
package com.f2x.neurohub.wipviews.cli;

import org.jspecify.annotations.NullMarked;
