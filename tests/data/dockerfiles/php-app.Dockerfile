FROM composer:2 AS vendor
WORKDIR /app
COPY composer.json composer.json
RUN composer install --ignore-platform-reqs --no-interaction --no-scripts
FROM php:8.3-apache
COPY conf/php.ini $PHP_INI_DIR/conf.d/app.ini
COPY --chown=www-data . /var/www/html
COPY --from=vendor --chown=www-data:www-data /app/vendor/ /var/www/html/vendor/
RUN chown -R www-data:www-data /var/www && chmod -R u=rwX,g=rX,o= /var/www/html/conf
STOPSIGNAL SIGWINCH
WORKDIR /var/www/html
