package com.example.board

import com.f2x.neurohub.wipviews.Freshness
import com.f2x.neurohub.wipviews.WipViews
import javax.sql.DataSource

/** A line per view: how it is, and why its last refresh failed. */
fun board(dataSource: DataSource): List<String> =
    WipViews.of(dataSource).withSchema(null).freshness().map(::line)

fun line(view: Freshness): String = "${view.view()}: ${view.lastError() ?: view.state()}"
