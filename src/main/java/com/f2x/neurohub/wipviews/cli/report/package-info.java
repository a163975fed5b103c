/**
 * The page of {@code wip-views report}: a template, and a record for each section that it shows. It
 * knows no command.
 */
@NullMarked
package com.f2x.neurohub.wipviews.cli.report;

import org.jspecify.annotations.NullMarked;
