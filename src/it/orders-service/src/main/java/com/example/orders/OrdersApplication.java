package com.example.orders;

import com.f2x.neurohub.wipviews.WipViews;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;

/** With Spring Boot: its Liquibase deploys the changelog when the service starts. */
@SpringBootApplication
public class OrdersApplication {

  public static void main(String[] args) {
    SpringApplication.run(OrdersApplication.class, args);
  }

  @Bean
  Customers customers(WipViews views) {
    return new Customers(views);
  }
}
