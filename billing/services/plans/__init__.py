"""Plans, prices, discounts; agreements and enrolling; schedules computed anew."""
