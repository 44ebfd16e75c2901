// Nothing is sent to anyone's validator, and a token is forgotten with the page.
window.SwaggerUIBundle({ url: '/openapi.json', dom_id: '#docs', deepLinking: true, validatorUrl: null });
