FROM node:20 AS assets
WORKDIR /site
COPY package.json .
RUN npm install
COPY src/ src/
RUN npm run build
FROM nginx:1.27-alpine
RUN rm -f /etc/nginx/conf.d/*
COPY conf/nginx.conf /etc/nginx/nginx.conf
COPY conf/conf.d/ /etc/nginx/conf.d/
COPY --from=assets /site/dist /usr/share/nginx/html
COPY public/*.html public/*.css /usr/share/nginx/html/
EXPOSE 80 443/tcp 443/udp
STOPSIGNAL SIGQUIT
CMD ["nginx", "-g", "daemon off;"]
