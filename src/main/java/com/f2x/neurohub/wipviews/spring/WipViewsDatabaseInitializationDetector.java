package com.f2x.neurohub.wipviews.spring;

import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.schedule.RefreshSchedule;
import java.util.Set;
import org.springframework.boot.sql.init.dependency.AbstractBeansOfTypeDependsOnDatabaseInitializationDetector;

/**
 * Makes Spring Boot run the service's Liquibase before any bean gets the views or the schedule: no
 * other order is certain in a bean's own initialization, or with lazy initialization.
 */
final class WipViewsDatabaseInitializationDetector
    extends AbstractBeansOfTypeDependsOnDatabaseInitializationDetector {

  @Override
  protected Set<Class<?>> getDependsOnDatabaseInitializationBeanTypes() {
    return Set.of(WipViews.class, RefreshSchedule.class);
  }
}
