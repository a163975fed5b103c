package com.example.orders;

import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import javax.sql.DataSource;

/** Without a framework: any number of instances may start at once. */
public final class PlainOrders {

  private PlainOrders() {}

  public static Customers start(DataSource dataSource) {
    migration(dataSource).update();
    return new Customers(WipViews.of(dataSource));
  }

  /** What deploys the changelog also recovers its views, and takes them away. */
  public static WipViewsMigration migration(DataSource dataSource) {
    return WipViewsMigration.of(dataSource).withChangelog("db/changelog.yaml");
  }
}
